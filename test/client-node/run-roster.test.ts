import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { fileBook } from '../../client-node/record-book.ts'
import { pin } from '../../client-node/roster-files.ts'
import { rosterOfRun } from '../../client-node/run-roster.ts'
import { planMenus } from '../../learning/computation.ts'
import { compareBytes, toHex } from '../../protocol/bytes.ts'
import { nodeProvider as provider } from '../../protocol/crypto/node/provider.ts'
import { noRoster, rosterHash, type SignedRoster, signRoster } from '../../protocol/enrolment/signed-roster.ts'
import { parsePlan, planBytes, planHash } from '../../protocol/plan.ts'
import { openSession } from '../../protocol/secagg/session.ts'
import type { RosterEntry } from '../../protocol/wire/messages.ts'
import type { Offer } from '../../protocol/wire/offer.ts'
import { testRandom } from '../support/secure-round.ts'

const seed = testRandom('coordinator').bytes(32)
const coordinator = await provider.ed25519PublicKey(seed)
const plan = parsePlan(
  {
    ...{ concordat: 1, name: 'p', algorithm: { name: 'statistics' } },
    data: { columns: [{ name: 'age', type: 'number', range: [0, 120] }] },
  },
  planMenus,
)
const site = (name: string, key = 0): RosterEntry => ({ name, identity: testRandom(`${name} ${key}`).bytes(32) })
const roster = (...sites: readonly RosterEntry[]): readonly RosterEntry[] =>
  [...sites].sort((a, b) => compareBytes(a.identity, b.identity))
const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => site(name))
const three = roster(a, b, c)
const four = roster(a, b, c, d)
const offer = (sites: readonly RosterEntry[], nonce = 1): Offer => ({
  ...{ type: 'offer', plan: planBytes(plan), roster: sites, nonce: new Uint8Array(32).fill(nonce) },
  signature: new Uint8Array(64),
})

let folder = ''
let versions: SignedRoster[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'concordat-'))
  versions = []
})

/** A person has accepted the next version, of these sites. */
async function accepted(sites: readonly RosterEntry[]): Promise<void> {
  const last = versions.at(-1)
  const content = {
    ...{ version: versions.length + 1, coordinator: toHex(coordinator) },
    previous: last === undefined ? noRoster : rosterHash(last),
    sites: sites.map(({ name, identity }) => ({ name, identity: toHex(identity) })),
  }
  const signed = await signRoster(content, (bytes) => provider.ed25519Sign(seed, bytes))
  versions.push(signed)
  await pin(folder, signed)
}

/** The site takes part in the run of an offer, so its book has it. */
async function joined({ roster: sites, nonce }: Offer): Promise<void> {
  const parts = { planHash: planHash(plan), roster: sites, rules: plan, nonce, coordinator }
  const session = toHex((await openSession(provider, parts)).id)
  await fileBook(folder, { name: 'a', coordinator, roster: sites }).open(session, plan)
}

const heldTo = (pinned: readonly RosterEntry[], run: Offer) => rosterOfRun({ folder, coordinator, pinned }, run)

describe('a run that began under an earlier roster', () => {
  test('goes on under it at a site that has joined it, also where a key was revoked or replaced since', async () => {
    const run = offer(three)
    await joined(run)
    for (const pinned of [four, roster(a, b, d), roster(a, b, site('c', 2))])
      expect(await heldTo(pinned, run)).toEqual(three)
  })

  test('is joined where a person has accepted that version and all its keys are still in', async () => {
    await accepted(three)
    await accepted(four)
    expect(await heldTo(four, offer(three))).toEqual(three)
  })

  test('is held against the pinned roster where a key of it was revoked or replaced, or nobody accepted it here', async () => {
    await accepted(three)
    await joined(offer(three, 9))
    for (const pinned of [roster(a, b, d), roster(a, b, site('c', 2))])
      expect(await heldTo(pinned, offer(three))).toEqual(pinned)
    expect(await heldTo(four, offer(roster(a, b, d)))).toEqual(four)
  })

  test('is not believed from a file that the coordinator has not signed', async () => {
    await accepted(three)
    const path = join(folder, 'rosters', '1.json')
    const forged = roster(a, b, d)
    const text = await readFile(path, 'utf8')
    await writeFile(path, text.replaceAll(toHex(c.identity), toHex(d.identity)).replace('"c"', '"d"'))
    expect(await heldTo(four, offer(forged))).toEqual(four)
  })
})

test('whatever is no offer, and the pinned roster itself, need no file', async () => {
  expect(await rosterOfRun({ folder, coordinator, pinned: four }, undefined)).toEqual(four)
  expect(await heldTo(four, offer(four))).toEqual(four)
})
