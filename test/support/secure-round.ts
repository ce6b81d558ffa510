/** One round of the secure sum between state machines alone, with sites that leave in the step of their choice. */

import { createHash } from 'node:crypto'
import { nodeProvider as provider } from '../../protocol/crypto/node/provider.ts'
import type { RingVector } from '../../protocol/crypto/provider.ts'
import type { Random } from '../../protocol/random.ts'
import * as client from '../../protocol/secagg/client.ts'
import type { RoundStart, SessionKey, Upload } from '../../protocol/secagg/messages.ts'
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

/** A round after its start was made: what each side holds. Stages hand it on. */
export interface Stage {
  readonly cohort: Cohort
  readonly states: ReadonlyMap<number, client.ClientState>
  readonly keys: ReadonlyMap<number, SessionKey>
  readonly round: server.ServerRound
  readonly starts: ReadonlyMap<number, RoundStart>
}

export const present = (lastSteps: readonly Step[], step: Step): number[] =>
  [...lastSteps.keys()].filter((index) => steps.indexOf(lastSteps[index]) >= steps.indexOf(step))

export function stateOf({ states }: Pick<Stage, 'states'>, index: number): client.ClientState {
  const state = states.get(index)
  if (state === undefined) throw new Error(`site ${index} has not joined`)
  return state
}

/** All join, `depositors` deposit, and the round opens over the deposits. */
export async function openStage(cohort: Cohort, depositors: readonly number[], zero: RingVector): Promise<Stage> {
  const { adder, parties } = cohort
  const states = new Map<number, client.ClientState>()
  const keys = new Map<number, SessionKey>()
  for (const party of parties) {
    const { state, answer } = await client.join(party)
    states.set(party.index, state)
    await server.checkSessionKey(adder, answer)
    keys.set(party.index, answer)
  }
  const deposits = new Map<number, server.Deposited>()
  for (const index of depositors) {
    const dealt = await client.deposit(parties[index], stateOf({ states }, index), {
      attempt,
      peers: [...keys.values()],
    })
    states.set(index, dealt.state)
    deposits.set(index, await server.checkBundle(adder, index, dealt.answer))
  }
  const round = await server.openRound(adder, {
    attempt,
    stateHash,
    deposits: server.admissible(adder, deposits, keys),
    zero,
  })
  return { cohort, states, keys, round, starts: await server.roundStarts(adder, round, keys) }
}

/** A site checks the start and masks its vector; what it would send. */
export async function maskedUpload(
  stage: Stage,
  index: number,
  plain: RingVector,
): Promise<{ readonly state: client.ClientState; readonly message: Upload; readonly vector: RingVector }> {
  const party = stage.cohort.parties[index]
  const message = stage.starts.get(index)
  if (message === undefined) throw new Error(`site ${index} is not in the round`)
  const started = await client.start(party, stateOf(stage, index), message, stateHash)
  const vector = plain.slice()
  await client.mask(party, started, vector)
  const announced = { hash: new Uint8Array(32), length: vector.length, nextAttempt: stage.round.attempt + 1 }
  const { state, answer } = await client.upload(party, started, { ...announced, peers: [...stage.keys.values()] })
  return { state, message: answer, vector }
}

export async function uploadStage(
  stage: Stage,
  uploaders: readonly number[],
  vectors: readonly RingVector[],
): Promise<Stage> {
  const states = new Map(stage.states)
  let { round } = stage
  for (const index of uploaders) {
    const { state, message, vector } = await maskedUpload(stage, index, vectors[index])
    states.set(index, state)
    round = await server.takeUpload(stage.cohort.adder, round, index, { message, vector })
  }
  return { ...stage, states, round }
}

/** The survivors are fixed and `signers` sign them. */
export async function agreeStage(stage: Stage, signers: readonly number[]): Promise<Stage> {
  const { adder, parties } = stage.cohort
  const closed = await server.closeUploads(adder, stage.round)
  const states = new Map(stage.states)
  let { round } = closed
  for (const index of signers) {
    const { state, answer } = await client.agree(parties[index], stateOf(stage, index), closed.request)
    states.set(index, state)
    round = await server.takeConsistency(adder, round, index, answer)
  }
  return { ...stage, states, round }
}

/** `revealers` open their shares, and the masks come off. */
export async function revealStage(stage: Stage, revealers: readonly number[]): Promise<RingVector> {
  const { adder, parties } = stage.cohort
  const unmask = await server.requestReveal(adder, stage.round)
  let { round } = stage
  for (const index of revealers) {
    const { answer } = await client.reveal(parties[index], stateOf(stage, index), unmask)
    round = await server.takeReveal(adder, round, index, answer)
  }
  return (await server.unmask(adder, round)).sum
}

/** The sum over the sites that uploaded, or the ProtocolError that ended the round. */
export async function secureRound(
  cohort: Cohort,
  vectors: readonly RingVector[],
  lastSteps: readonly Step[],
): Promise<RingVector> {
  const [{ length }] = vectors
  const zero = vectors[0] instanceof Int32Array ? new Int32Array(length) : new BigInt64Array(length)
  const opened = await openStage(cohort, present(lastSteps, 'deposit'), zero)
  const uploaded = await uploadStage(opened, present(lastSteps, 'upload'), vectors)
  const agreed = await agreeStage(uploaded, present(lastSteps, 'consistency'))
  return revealStage(agreed, present(lastSteps, 'reveal'))
}
