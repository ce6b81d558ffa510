import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import * as z from 'zod'
import { openPages } from '../../coordinator/pages.ts'
import { concat } from '../../protocol/bytes.ts'
import { openKeyFile } from '../../protocol/crypto/node/key-file.ts'
import { nodeProvider } from '../../protocol/crypto/node/provider.ts'
import { append, emptyHead } from '../../protocol/journal/chain.ts'
import { decodeLog, encodeEntry } from '../../protocol/journal/codec.ts'
import type { SealedEntry } from '../../protocol/journal/entries.ts'
import { Command } from '../../simulations/demo/processes.ts'
import { Ends, entry, hospitals as names, ofType, startHospitals } from '../support/hospitals.ts'

const ends = new Ends()

afterEach(() => ends.all())

/** A coordinator, and four sites whose agents nobody has started yet. */
async function federation(rounds: number) {
  const { folder, processes, plan } = await startHospitals(ends)
  return { folder, processes, plan: await plan('hospitals', { rounds }), policy: join(folder, names[0], 'policy.yaml') }
}

const cardSchema = z.object({
  sites: z.array(z.object({ name: z.string(), rounds: z.number(), countersigned: z.boolean() })),
  privacy: z.unknown(),
  metrics: z.array(
    z.object({ name: z.string(), value: z.number(), low: z.number().nullable(), high: z.number().nullable() }),
  ),
  hashes: z.object({ state: z.string() }),
})

const concordat = async (...words: string[]) => {
  const command = new Command(entry, words)
  return { ...(await command.exited), lines: command.lines }
}

describe('the policy of a site', () => {
  test('is written on first start, and nothing runs until a person has confirmed it', async () => {
    const { processes, policy } = await federation(2)
    await rm(policy)
    for (const reason of ['wrote', 'nobody has confirmed']) {
      const { code, stderr } = await processes.site(names[0]).exited
      expect(code).toBe(2)
      expect(stderr).toContain('ERR_POLICY_UNCONFIRMED')
      expect(stderr).toContain(reason)
    }
    const confirmed = await concordat('policy', 'confirm', '--policy', policy)
    expect(confirmed).toMatchObject({ code: 0, lines: [{ inForce: true }] })
    expect(await readFile(policy, 'utf8')).toContain('# Last day on which this policy holds')
    await processes.site(names[0]).until(ofType('connected'))
  })

  test('that allows no unprotected plan keeps its site out, by code and not by reason; the others go on', async () => {
    const { processes, plan, policy } = await federation(2)
    await writeFile(policy, 'concordat: 1\nconfirmed: true\n')
    const others = names.slice(1).map((name) => processes.site(name))
    const careful = processes.site(names[0])
    const run = processes.run(plan)
    const heard = await run.until(ofType('declined'))
    expect(heard).toMatchObject({ site: names[0], code: 'ERR_POLICY_REFUSED' })
    expect(JSON.stringify(heard)).not.toContain('privacy.unprotected')
    expect(await careful.until(ofType('declined'))).toMatchObject({
      reason: expect.stringContaining('privacy.unprotected'),
    })
    expect((await run.exited).code).toBe(0)
    await Promise.all(others.map((agent) => agent.until(ofType('finished'))))
  })

  test('that is withdrawn in the middle of a run ends the part of its site at the next round', async () => {
    const { processes, plan, policy } = await federation(30)
    const agents = names.map((name) => processes.site(name))
    const run = processes.run(plan)
    await agents[0].until((line) => line.type === 'committed' && line.round === 2)
    await writeFile(policy, (await readFile(policy, 'utf8')).replace('confirmed: true', 'confirmed: false'))
    expect(await agents[0].until(ofType('refused'))).toMatchObject({ code: 'ERR_POLICY_UNCONFIRMED' })
    expect((await run.exited).code).toBe(0)
    const rounds = run.lines.filter(ofType('round'))
    expect(rounds.at(-1)?.sites).not.toContain(names[0])
    expect(rounds.flatMap(({ absent }) => absent)).toContainEqual(
      expect.objectContaining({ site: names[0], code: 'ERR_POLICY_UNCONFIRMED' }),
    )
  })

  test('that wants a person: the plan waits on the desk in plain words, the others go on, approval lets the site in', async () => {
    const { processes, plan, policy, folder } = await federation(60)
    await writeFile(policy, (await readFile(policy, 'utf8')).replace('approval: automatic', 'approval: person'))
    const others = names.slice(1).map((name) => processes.site(name))
    const careful = processes.site(names[0])
    const run = processes.run(plan)
    expect(await run.until(ofType('declined'))).toMatchObject({ code: 'ERR_APPROVAL_PENDING' })
    await others[0].until(ofType('committed'))
    const desk = ['--folder', join(folder, names[0])]
    expect((await concordat('review', ...desk)).lines).toMatchObject([
      { plans: [{ name: 'hospitals', state: 'waits' }] },
    ])
    const approved = await concordat('review', 'hospitals', '--approve', ...desk)
    expect(approved).toMatchObject({ code: 0, lines: [{ state: 'approved', preview: { privacy: { unit: null } } }] })
    await careful.until(ofType('joined'))
    expect(await careful.until(ofType('contributed'))).toBeDefined()
    expect((await run.exited).code).toBe(0)
    await careful.until(ofType('finished'))
  })

  test('a plan that a person refuses is declined with the person’s reason', async () => {
    const { processes, plan, policy, folder } = await federation(2)
    await writeFile(policy, (await readFile(policy, 'utf8')).replace('approval: automatic', 'approval: person'))
    const careful = processes.site(names[0])
    const run = processes.run(plan)
    await careful.until(ofType('declined'))
    const desk = ['--folder', join(folder, names[0])]
    expect((await concordat('review', 'hospitals', '--refuse', 'not our question', ...desk)).code).toBe(0)
    expect(await run.until((line) => line.type === 'declined' && line.code === 'ERR_PLAN_REFUSED')).toMatchObject({
      reason: 'not our question',
    })
  })
})

describe('the journal that all sites share', () => {
  /** The site's copy of its only run. */
  async function copyOf(home: string) {
    const [session] = await readdir(join(home, 'runs'))
    const folder = join(home, 'runs', session)
    return { folder, session, ...decodeLog(await readFile(join(folder, 'journal.jsonl'))) }
  }

  /** What the coordinator, with its own key, makes of entries: a chain that holds by itself. */
  async function resealed(folder: string, entries: readonly SealedEntry[]): Promise<Uint8Array> {
    const { seed } = await openKeyFile(join(folder, 'coordinator', 'coordinator.key'))
    let head = emptyHead
    const lines: Uint8Array[] = []
    for (const { at, entry } of entries) {
      const appended = await append(head, entry, { at, sign: (bytes) => nodeProvider.ed25519Sign(seed, bytes) })
      lines.push(encodeEntry(appended.sealed))
      head = appended.head
    }
    return concat(...lines)
  }

  test('is countersigned by each in every round, replays at any site, and no history that the coordinator rewrites passes', async () => {
    const { processes, plan, folder } = await federation(3)
    const agents = names.map((name) => processes.site(name))
    const run = processes.run(plan)
    expect((await run.exited).code).toBe(0)
    await Promise.all(agents.map((agent) => agent.until(ofType('finished'))))
    await processes.stop()
    const home = join(folder, names[1])
    const site = ['--folder', home]
    const held = await concordat('audit', 'verify', ...site)
    const { hash } = await openPages()
    expect(held).toMatchObject({ code: 0, lines: [{ holds: true, rounds: 5, finished: true, pages: [hash] }] })
    const { entries, folder: copy } = await copyOf(home)
    const last = entries.findIndex(({ entry }) => entry.type === 'finish')
    const signed = z.object({ countersigned: z.record(z.string(), z.number()) }).parse(held.lines[0]).countersigned
    expect(signed).toEqual(Object.fromEntries(names.map((name) => [name, last + 1])))
    const kinds = entries.map(({ entry }) => entry.type)
    expect(kinds.filter((type) => type === 'approval')).toHaveLength(4)
    expect(kinds.filter((type) => type === 'countersignature')).toHaveLength(4 * 6)

    const round = entries.findIndex(({ entry }) => entry.type === 'round')
    const unsigned = entries.filter(({ entry }) => entry.type !== 'countersignature')
    const edited = entries.map((sealed, i) => {
      const { entry } = sealed
      return i === round && entry.type === 'round'
        ? { ...sealed, entry: { ...entry, participants: names.slice(1), absent: [] } }
        : sealed
    })
    const histories: [string, readonly SealedEntry[]][] = [
      ['a round that says who was in it otherwise', edited],
      [
        'the same without the signatures that would show it',
        edited.filter(({ entry }) => entry.type !== 'countersignature'),
      ],
      ['an entry dropped', unsigned.toSpliced(4, 1)],
      ['two consents exchanged', unsigned.with(2, unsigned[3]).with(3, unsigned[2])],
      ['the end cut off', entries.slice(0, -2)],
      [
        'another end',
        [
          ...entries.slice(0, last),
          { ...entries[last], entry: { type: 'abort', attempt: 1, code: 'ERR_X', reason: '' } },
        ],
      ],
    ]
    const file = join(folder, 'told.jsonl')
    await writeFile(file, concat(...entries.map(encodeEntry)))
    expect((await concordat('audit', 'verify', ...site, '--journal', file)).code).toBe(0)
    for (const [what, history] of histories) {
      await writeFile(file, await resealed(folder, history))
      const { code, stderr } = await concordat('audit', 'verify', ...site, '--journal', file)
      expect([what, code, stderr]).toEqual([what, 3, expect.stringMatching(/ERR_AUDIT\n {2}entry \d+ does not hold/)])
    }

    const card = cardSchema.parse(JSON.parse(await readFile(join(copy, 'card.json'), 'utf8')))
    expect(card.sites.map(({ name }) => name).sort()).toEqual([...names].sort())
    expect(card.sites.every(({ rounds, countersigned }) => rounds === 5 && countersigned)).toBe(true)
    expect(card.privacy).toEqual({ mechanism: 'none', unit: null, epsilon: null, delta: 1e-5 })
    const auc = card.metrics.find(({ name }) => name === 'auc')
    expect(auc?.low).toBeLessThan(auc?.value ?? 0)
    expect(auc?.high).toBeGreaterThan(auc?.value ?? 1)
    expect(card.hashes.state).toBe(run.lines.find(ofType('finished'))?.modelHash)

    const receipts = await concordat('receipts', ...site)
    expect(receipts).toMatchObject({
      code: 0,
      lines: [{ contributions: 5, missing: [], clipRate: expect.any(Number) }],
    })
    const kept = join(home, 'receipts.jsonl')
    const lines = (await readFile(kept, 'utf8')).split('\n')
    const contributed = lines.findLastIndex((line) => line.includes('"contribution"'))
    await writeFile(kept, `${lines.slice(0, contributed).join('\n')}\n`)
    const short = await concordat('receipts', ...site)
    expect([short.code, short.stderr]).toEqual([2, expect.stringMatching(/without a receipt: \w{12} round 4/)])

    const [{ entry: { sumHash } = { sumHash: '' } }] = entries.flatMap(({ entry }) =>
      entry.type === 'round' ? [{ entry }] : [],
    )
    const sum = join(copy, 'sums', sumHash)
    const bytes = await readFile(sum)
    bytes[9] ^= 1
    await writeFile(sum, bytes)
    expect((await concordat('audit', 'verify', ...site)).stderr).toContain('the sum at hand is not the one it names')
  })

  test('a site that withdraws is asked no more, the run goes on, and the models that hold it are named', async () => {
    const { processes, plan, folder } = await federation(40)
    const agents = names.map((name) => processes.site(name))
    const run = processes.run(plan)
    await agents[0].until((line) => line.type === 'committed' && line.round === 2)
    const home = join(folder, names[0])
    const left = await concordat('withdraw', 'hospitals', '--reason', 'consent was revoked', '--folder', home)
    expect(left).toMatchObject({ code: 0, lines: [{ affected: [{ rounds: expect.any(Number) }] }] })
    await agents[0].until(ofType('withdrawn'))
    expect((await run.exited).code).toBe(0)
    const last = run.lines.filter(ofType('round')).at(-1)
    expect(last?.sites).toEqual(expect.not.arrayContaining([names[0]]))
    await Promise.all(agents.slice(1).map((agent) => agent.until(ofType('finished'))))
    const { entries } = await copyOf(join(folder, names[1]))
    expect(entries.flatMap(({ entry }) => (entry.type === 'withdrawal' ? [entry] : []))).toMatchObject([
      { site: names[0], reason: 'consent was revoked' },
    ])
    const held = await concordat('audit', 'verify', '--folder', join(folder, names[1]))
    expect(held).toMatchObject({ code: 0, lines: [{ holds: true, withdrawn: [names[0]] }] })
  })

  test('a run without a site trains on the others alone and says how far its model is from the one with it', async () => {
    const { processes, plan, folder } = await federation(3)
    const agents = names.map((name) => processes.site(name))
    expect((await processes.run(plan).exited).code).toBe(0)
    const again = await concordat(
      ...['run', plan, '--coordinator', processes.url, '--out', join(folder, 'result'), '--without', names[0]],
      ...['--token-file', join(folder, 'coordinator', 'operator.token')],
    )
    expect(again.code).toBe(0)
    const rounds = again.lines.filter(ofType('round'))
    expect(rounds).toHaveLength(5)
    for (const { sites } of rounds) expect(sites).toEqual(expect.not.arrayContaining([names[0]]))
    const drift = driftSchema.parse(again.lines.find(ofType('drift')))
    expect(drift.distance).toBeGreaterThan(0)
    expect(drift.auc.change).toBeCloseTo(drift.auc.after - drift.auc.before, 12)
    expect(agents[0].lines.filter(ofType('declined'))).toMatchObject([{ code: 'ERR_LEFT_OUT' }])
  })
})

const driftSchema = z.object({
  distance: z.number(),
  auc: z.object({ before: z.number(), after: z.number(), change: z.number() }),
})
