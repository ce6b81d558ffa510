/** One round of the secure sum between state machines alone, with sites that leave in the step of their choice. */

import { createHash } from 'node:crypto'
import { nodeProvider as provider } from '../../protocol/crypto/node/provider.ts'
import type { RingVector } from '../../protocol/crypto/provider.ts'
import type { Random } from '../../protocol/random.ts'
import * as client from '../../protocol/secagg/client.ts'
import type { SessionKey } from '../../protocol/secagg/messages.ts'
import * as server from '../../protocol/secagg/server.ts'
import { openSession, type Quorum, type Session } from '../../protocol/secagg/session.ts'

/** The last step a site takes part in; `reveal` is the whole round. */
export const steps = ['join', 'deposit', 'upload', 'consistency', 'reveal'] as const
export type Step = (typeof steps)[number]

/** Bytes that look random and are the same in every run of a test. */
export function testRandom(seed: string): Random {
  let counter = 0
  return {
    bytes: (length) => {
      const blocks: Uint8Array[] = []
      for (let have = 0; have < length; have += 32) {
        blocks.push(createHash('sha256').update(`${seed}/${counter++}`).digest())
      }
      return new Uint8Array(Buffer.concat(blocks).subarray(0, length))
    },
  }
}

export interface Cohort {
  readonly session: Session
  readonly adder: server.Adder
  readonly parties: readonly client.Party[]
}

export async function cohortOf(sites: number, quorum: Quorum = {}): Promise<Cohort> {
  const identities = await Promise.all(
    Array.from({ length: sites + 1 }, async (_, i) => {
      const seed = testRandom(`identity ${i}`).bytes(32)
      const sign = (message: Uint8Array) => provider.ed25519Sign(seed, message)
      return { publicKey: await provider.ed25519PublicKey(seed), sign }
    }),
  )
  const [coordinator, ...members] = identities
  const session = await openSession(provider, {
    planHash: new Uint8Array(32).fill(7),
    roster: members.map(({ publicKey }, i) => ({ name: `site-${i}`, identity: publicKey })),
    quorum,
    nonce: new Uint8Array(32).fill(9),
    coordinator: coordinator.publicKey,
  })
  const parties = members.map(({ sign }, index): client.Party => {
    let record: Uint8Array | undefined
    const log = {
      load: async () => record,
      commit: async (bytes: Uint8Array) => {
        record = bytes
      },
    }
    return { provider, random: testRandom(`party ${index}`), session, index, sign, log }
  })
  return { session, adder: { provider, session, sign: coordinator.sign }, parties }
}

export const stateHash = new Uint8Array(32).fill(3)
export const attempt = 1

/** The sum over the sites that uploaded, or the ProtocolError that ended the round. */
export async function secureRound(
  { adder, parties }: Cohort,
  vectors: readonly RingVector[],
  lastSteps: readonly Step[],
): Promise<RingVector> {
  const takesPart = (index: number, step: Step): boolean => steps.indexOf(lastSteps[index]) >= steps.indexOf(step)
  const states = new Map<number, client.ClientState>()
  const keys = new Map<number, SessionKey>()
  for (const party of parties) {
    const { state, answer } = await client.join(party)
    states.set(party.index, state)
    await server.checkSessionKey(adder, answer)
    keys.set(party.index, answer)
  }
  const peers = [...keys.values()]
  const deposits = new Map<number, server.Deposited>()
  const present = (step: Step): { readonly party: client.Party; readonly state: client.ClientState }[] =>
    parties.flatMap((party) => {
      const state = states.get(party.index)
      return state !== undefined && takesPart(party.index, step) ? [{ party, state }] : []
    })
  for (const { party, state } of present('deposit')) {
    const dealt = await client.deposit(party, state, { attempt, peers })
    states.set(party.index, dealt.state)
    deposits.set(party.index, await server.checkBundle(adder, party.index, dealt.answer))
  }
  const zero =
    vectors[0] instanceof Int32Array ? new Int32Array(vectors[0].length) : new BigInt64Array(vectors[0].length)
  let round = await server.openRound(adder, {
    attempt,
    stateHash,
    deposits: server.admissible(adder, deposits, keys),
    zero,
  })
  const starts = await server.roundStarts(adder, round, keys)
  for (const { party, state } of present('upload')) {
    const message = starts.get(party.index)
    if (message === undefined) continue
    const started = await client.start(party, state, message, stateHash)
    const vector = vectors[party.index].slice()
    await client.mask(party, started, vector)
    const hash = new Uint8Array(32)
    const sent = await client.upload(party, started, { hash, length: vector.length, nextAttempt: attempt + 1, peers })
    states.set(party.index, sent.state)
    round = await server.takeUpload(adder, round, party.index, { message: sent.answer, vector })
  }
  const closed = await server.closeUploads(adder, round)
  round = closed.round
  for (const { party, state } of present('consistency')) {
    const agreed = await client.agree(party, state, closed.request)
    states.set(party.index, agreed.state)
    round = await server.takeConsistency(adder, round, party.index, agreed.answer)
  }
  const unmask = await server.requestReveal(adder, round)
  for (const { party, state } of present('reveal')) {
    const revealed = await client.reveal(party, state, unmask)
    round = await server.takeReveal(adder, round, party.index, revealed.answer)
  }
  return server.unmask(adder, round)
}
