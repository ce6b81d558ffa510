/**
 * Every strategy of a coordinator against small cohorts. What a site can be made to say is not assumed: the deployed
 * site is asked for every list of survivors there is, and the checker goes through all combinations of its answers.
 */

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fastDelta } from '../../../protocol/privacy/cohort.ts'
import * as deployed from '../../../protocol/secagg/client.ts'
import type { Mode } from '../../../protocol/secagg/formation.ts'
import type { Unmask } from '../../../protocol/secagg/messages.ts'
import { bodies, signedBytes } from '../../../protocol/secagg/signing.ts'
import { thresholdsOf } from '../../../protocol/secagg/thresholds.ts'
import { Stream } from '../../../protocol/stream.ts'
import { type Graph, leakingSums, type Revealed, worstCertified, worstOf } from '../../support/leakage.ts'
import { openWorkshop, type Workshop } from '../../support/mutants.ts'
import {
  attempt,
  type Client,
  cohortOf,
  openStage,
  type Stage,
  stateOf,
  uploadStage,
} from '../../support/secure-round.ts'

interface Setting {
  readonly sites: number
  readonly colluding: number
  readonly mode: Mode
}

async function uploadedBy({ sites, colluding, mode }: Setting, client: Client): Promise<Stage> {
  const all = Array.from({ length: sites }, (_, i) => i)
  const cohort = await cohortOf(sites, { client, quorum: { colluding }, encoding: { mode } })
  return uploadStage(
    await openStage(cohort, all, new Int32Array(1)),
    all,
    all.map((i) => Int32Array.of(i)),
  )
}

/** A state whose secrets are its own, so that erasing them does not reach the next question. */
function copyOf(state: deployed.ClientState): deployed.ClientState {
  const { round } = state
  if (round === undefined) return state
  return { ...state, round: { ...round, held: new Map([...round.held].map(([of, share]) => [of, share.slice()])) } }
}

const membersOf = (list: number, sites: number): number[] =>
  Array.from({ length: sites }, (_, i) => i).filter((i) => (list >> i) & 1)

const signedBy = async (stage: Stage, kind: 'unmask' | 'signRequest', survivors: readonly number[]) => {
  const body = bodies.survivors(stage.cohort.session.id, attempt, survivors)
  return stage.cohort.adder.sign(await signedBytes(stage.cohort.adder.provider, kind, body))
}

/** What shares an answer holds, told by the bytes of what the site held before. */
function revealedIn(
  held: ReadonlyMap<number, Uint8Array>,
  shares: readonly { of: number; share: Uint8Array }[],
): Revealed {
  let seeds = 0
  let keys = 0
  for (const { of, share } of shares) {
    const both = Buffer.from(held.get(of) ?? new Uint8Array(64))
    const sent = Buffer.from(share)
    if (sent.includes(both.subarray(0, 32))) keys |= 1 << of
    if (sent.includes(both.subarray(32))) seeds |= 1 << of
  }
  return { seeds, keys }
}

const both = (a: Revealed, b: Revealed): Revealed => ({ seeds: a.seeds | b.seeds, keys: a.keys | b.keys })

/** Fast mode: all that a site reveals for any list, and for any second list after it. */
async function fastChoices(setting: Setting, client: Client): Promise<Revealed[][]> {
  const stage = await uploadedBy(setting, client)
  const honest = setting.sites - setting.colluding
  return Promise.all(
    Array.from({ length: honest }, async (_, site) => {
      const choices = [{ seeds: 0, keys: 0 }]
      for (let first = 1; first < 1 << setting.sites; first++) {
        const held = copyOf(stateOf(stage, site)).round?.held ?? new Map<number, Uint8Array>()
        const once = await ask(stage, { site, list: first, state: copyOf(stateOf(stage, site)) })
        if (once === undefined) continue
        choices.push(revealedIn(held, once.answer.shares))
        for (let second = 1; second < 1 << setting.sites; second++) {
          const twice = await ask(stage, { site, list: second, state: once.state })
          if (twice !== undefined)
            choices.push(both(revealedIn(held, once.answer.shares), revealedIn(held, twice.answer.shares)))
        }
      }
      return choices
    }),
  )
}

interface Question {
  readonly site: number
  readonly list: number
  readonly state: deployed.ClientState
}

async function ask(stage: Stage, { site, list, state }: Question) {
  const { parties, client, session } = stage.cohort
  const survivors = membersOf(list, session.roster.length)
  const signature = await signedBy(stage, 'unmask', survivors)
  const message: Unmask = { type: 'unmask', attempt, survivors, certificate: [], signature }
  return client.reveal(parties[site], state, message).catch(() => undefined)
}

/** Strict mode: the lists a site signs, what it reveals for each, and the fewest signatures with which it does. */
async function strictChoices(setting: Setting, client: Client) {
  const { sites, colluding } = setting
  const stage = await uploadedBy(setting, client)
  const { parties } = stage.cohort
  const honest = Array.from({ length: sites - colluding }, (_, i) => i)
  let certificate = sites
  const choices = await Promise.all(
    honest.map(async (site) => {
      const lists = [{ list: 0, seeds: 0, keys: 0 }]
      for (let list = 1; list < 1 << sites; list++) {
        const survivors = membersOf(list, sites)
        const request = {
          type: 'sign-request',
          attempt,
          survivors,
          signature: await signedBy(stage, 'signRequest', survivors),
        } as const
        const state = copyOf(stateOf(stage, site))
        const held = new Map(copyOf(state).round?.held)
        const agreed = await client.agree(parties[site], state, request).catch(() => undefined)
        if (agreed === undefined) continue
        const transcript = state.round?.transcript ?? new Uint8Array(32)
        const consent = await signedBytes(
          stage.cohort.adder.provider,
          'consistency',
          bodies.consistency(transcript, survivors),
        )
        const signatures = await Promise.all(
          parties.map(async ({ sign, index }) => ({ index, signature: await sign(consent) })),
        )
        const signature = await signedBy(stage, 'unmask', survivors)
        for (let signers = sites; signers >= 0; signers--) {
          const message: Unmask = {
            type: 'unmask',
            attempt,
            survivors,
            certificate: signatures.slice(0, signers),
            signature,
          }
          const revealed = await client.reveal(parties[site], copyOf(agreed.state), message).catch(() => undefined)
          if (revealed === undefined) break
          certificate = Math.min(certificate, signers)
          if (signers === sites) lists.push({ list, ...revealedIn(held, revealed.answer.shares) })
        }
      }
      return lists
    }),
  )
  return { certificate, choices }
}

const graphOf = ({ sites, colluding }: Setting): Graph => ({
  sites,
  colluding,
  threshold: thresholdsOf(sites, { colluding }).threshold,
})

const small = [
  [3, 0],
  [4, 0],
  [4, 1],
  [5, 0],
  [5, 1],
  [6, 0],
  [6, 1],
] as const

describe('over all strategies', () => {
  test.each(small)(
    'of fast mode with %i sites, %i of them colluding: one sum at most, of at least as many honest sites as promised',
    async (sites, colluding) => {
      const setting: Setting = { sites, colluding, mode: 'fast' }
      const graph = graphOf(setting)
      const worst = worstOf(graph, await fastChoices(setting, deployed))
      expect(worst.sums).toBe(1)
      // The promise counts with votes of sites that accept t survivors; a site that demands more gives less away.
      expect(worst.smallest).toBeGreaterThanOrEqual(fastDelta({ ...graph }))
    },
  )

  test.each(small)(
    'of strict mode with %i sites, %i of them colluding: one sum at most, of the minimum less the colluding',
    async (sites, colluding) => {
      const setting: Setting = { sites, colluding, mode: 'strict' }
      const graph = graphOf(setting)
      const { certificate, choices } = await strictChoices(setting, deployed)
      expect(certificate).toBe(graph.threshold)
      const worst = worstCertified(graph, certificate, choices)
      expect(worst).toEqual({ sums: 1, smallest: thresholdsOf(sites, { colluding }).minimum - colluding })
    },
  )
})

describe('a site that lacks a wall is found out by the checker', () => {
  let workshop: Workshop
  beforeAll(async () => {
    workshop = await openWorkshop()
  })
  afterAll(() => workshop.close())
  const fast: Setting = { sites: 5, colluding: 1, mode: 'fast' }
  const strict: Setting = { ...fast, mode: 'strict' }
  const promised = fastDelta({ ...graphOf(fast) })
  const floor = { file: 'walls.ts', text: 'if (survivors.length < thresholds.minimum)', without: 'if (false)' }

  test('the floor under the survivors: fewer than promised in fast mode; in strict mode the signers are still t - c', async () => {
    const client = await workshop.clientWith(floor)
    expect(worstOf(graphOf(fast), await fastChoices(fast, client)).smallest).toBeLessThan(promised)
    const { certificate, choices } = await strictChoices(strict, client)
    expect(worstCertified(graphOf(strict), certificate, choices).smallest).toBe(graphOf(strict).threshold - 1)
  })

  test('both lists: both secrets of a site', async () => {
    const client = await workshop.clientWith({
      file: 'walls.ts',
      text: 'survived ? both.slice(32, 64) : both.slice(0, 32)',
      without: 'both.slice()',
    })
    expect(worstOf(graphOf(fast), await fastChoices(fast, client)).smallest).toBe(1)
  })

  test('the single answer, with what erases the shares after it: both secrets again', async () => {
    const client = await workshop.clientWith(
      {
        file: 'table.ts',
        text: "'sign-request': 'refuse',\n    unmask: 'refuse',\n  },\n}\n\n/** Nothing is signed",
        without: "'sign-request': 'refuse',\n    unmask: 'revealed',\n  },\n}\n\n/** Nothing is signed",
      },
      { file: 'client.ts', text: '  eraseRound(round)\n  const next', without: '  const next' },
      { file: 'client.ts', text: "phase: 'revealed', held: new Map() }", without: "phase: 'revealed' }" },
      { file: 'walls.ts', text: '!sameIndices(revealed.survivors, survivors)', without: 'false' },
    )
    expect(worstOf(graphOf(fast), await fastChoices(fast, client)).smallest).toBe(1)
  })

  test('the certificate: as little as in fast mode at best', async () => {
    const client = await workshop.clientWith({
      file: 'walls.ts',
      text: 'if (signers.size < threshold)',
      without: 'if (false)',
    })
    const { certificate } = await strictChoices(strict, client)
    expect(certificate).toBe(0)
  })
})

test('the thresholds are tight: with one less, both secrets of one site can be opened', () => {
  for (const [sites, colluding] of [
    [4, 0],
    [5, 1],
    [6, 0],
  ] as const) {
    const threshold = Math.floor((sites + colluding) / 2)
    const honest = sites - colluding
    const half = threshold - colluding
    const victim = 0
    const revealed = Array.from({ length: honest }, (_, i) =>
      i < half ? { seeds: 1 << victim, keys: 0 } : { seeds: 0, keys: 1 << victim },
    )
    expect(leakingSums({ sites, colluding, threshold }, revealed)).toContain(1)
    expect(leakingSums({ sites, colluding, threshold: threshold + 1 }, revealed)).toEqual([])
  }
})

test('in larger cohorts no random or greedy strategy of fast mode gets below the honest minimum', () => {
  const chance = new Stream('strategies')
  let reached = 0
  for (let round = 0; round < 3000; round++) {
    const sites = 8 + chance.below(20)
    const { colluding, threshold } = thresholdsOf(sites)
    const graph = { sites, colluding, threshold }
    const honest = sites - colluding
    // The greedy one calls the same few sites dropped everywhere, as often as they can be; the random one draws.
    const targets = round % 2 === 0 ? 1 + chance.below(honest - 1) : honest
    const votes = Array.from({ length: honest }, (): number => 0)
    const revealed = Array.from({ length: honest }, (_, site): Revealed => {
      let keys = 0
      const order = [...chance.permutation(targets)].filter((target) => target !== site)
      if (round % 2 === 0) order.sort((a, b) => votes[a] - votes[b])
      for (const target of order.slice(0, sites - threshold)) {
        keys |= 1 << target
        votes[target]++
      }
      return { keys, seeds: ~keys & ((1 << sites) - 1) }
    })
    const sums = leakingSums(graph, revealed)
    expect(sums.length).toBeLessThanOrEqual(1)
    for (const size of sums) {
      expect(size).toBeGreaterThanOrEqual(fastDelta(graph))
      if (size < honest) reached++
    }
  }
  expect(reached).toBeGreaterThan(100)
})
