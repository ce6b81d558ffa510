/** One round of the secure sum between state machines alone, with sites that leave in the step of their choice. */

import { createHash } from 'node:crypto'
import { nodeProvider } from '../../protocol/crypto/node/provider.ts'
import type { CryptoProvider, RingVector } from '../../protocol/crypto/provider.ts'
import type { Random } from '../../protocol/random.ts'
import * as deployed from '../../protocol/secagg/client.ts'
import type { SumRules } from '../../protocol/secagg/formation.ts'
import { drawGroups } from '../../protocol/secagg/groups.ts'
import type { RoundStart, SessionKey, Upload } from '../../protocol/secagg/messages.ts'
import type { AnswerLog } from '../../protocol/secagg/record.ts'
import { unmask } from '../../protocol/secagg/recover.ts'
import * as server from '../../protocol/secagg/server.ts'
import { openSession, type Session } from '../../protocol/secagg/session.ts'

/** The site's side as it is deployed, or a copy of it from which a wall was taken. */
export type Client = typeof deployed

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
  readonly parties: readonly deployed.Party[]
  readonly client: Client
}

export interface CohortOptions extends SumRules {
  readonly client?: Client
  /** The provider of each site, by its index. */
  readonly providerOf?: (index: number) => CryptoProvider
  /** Gives each run of a test its own draws. */
  readonly draw?: string
  readonly planHash?: Uint8Array
}

/** A log that lives as long as the test: what a site's disk would hold. */
export function memoryLog(): AnswerLog {
  const records = new Map<string, Uint8Array>()
  const key = (session: Uint8Array): string => Buffer.from(session).toString('hex')
  return {
    load: async (session) => records.get(key(session)),
    commit: async (record, session) => {
      records.set(key(session), record)
    },
  }
}

const provider = nodeProvider

export async function cohortOf(
  sites: number,
  {
    client = deployed,
    providerOf = () => provider,
    draw = '',
    planHash = new Uint8Array(32).fill(7),
    ...rules
  }: CohortOptions = {},
): Promise<Cohort> {
  const identities = await Promise.all(
    Array.from({ length: sites + 1 }, async (_, i) => {
      const seed = testRandom(`identity ${i}`).bytes(32)
      const sign = (message: Uint8Array) => provider.ed25519Sign(seed, message)
      return { publicKey: await provider.ed25519PublicKey(seed), sign }
    }),
  )
  const [coordinator, ...members] = identities
  const session = await openSession(provider, {
    planHash,
    roster: members.map(({ publicKey }, i) => ({ name: `site-${i}`, identity: publicKey })),
    rules,
    nonce: new Uint8Array(32).fill(9),
    coordinator: coordinator.publicKey,
  })
  const parties = members.map(({ sign }, index): deployed.Party => {
    const random = testRandom(`party ${index}${draw}`)
    return { provider: providerOf(index), random, session, index, sign, log: memoryLog() }
  })
  return { session, adder: { provider, session, sign: coordinator.sign }, parties, client }
}

export const stateHash = new Uint8Array(32).fill(3)
export const attempt = 1

/** A round after its start was made: what each side holds. Stages hand it on. */
export interface Stage {
  readonly cohort: Cohort
  readonly states: ReadonlyMap<number, deployed.ClientState>
  readonly keys: ReadonlyMap<number, SessionKey>
  readonly round: server.ServerRound
  readonly starts: ReadonlyMap<number, RoundStart>
}

export const present = (lastSteps: readonly Step[], step: Step): number[] =>
  [...lastSteps.keys()].filter((index) => steps.indexOf(lastSteps[index]) >= steps.indexOf(step))

export function stateOf({ states }: Pick<Stage, 'states'>, index: number): deployed.ClientState {
  const state = states.get(index)
  if (state === undefined) throw new Error(`site ${index} has not joined`)
  return state
}

export interface Opening {
  readonly attempt?: number
  readonly stateHash?: Uint8Array
  readonly previous?: readonly Uint8Array[]
}

/** All join, `depositors` deposit, and the round opens over the deposits: the first group of it, where there are several. */
export async function openStage(
  cohort: Cohort,
  depositors: readonly number[],
  zero: RingVector,
  opening: Opening = {},
): Promise<Stage> {
  const states = new Map<number, deployed.ClientState>()
  const keys = new Map<number, SessionKey>()
  for (const party of cohort.parties) {
    const { state, answer } = await cohort.client.join(party)
    states.set(party.index, state)
    await server.checkSessionKey(cohort.adder, answer)
    keys.set(party.index, answer)
  }
  return depositStage({ cohort, states, keys }, depositors, zero, opening)
}

/** Those who have joined deposit for an attempt, and its round opens. */
export async function depositStage(
  { cohort, keys, ...joined }: Pick<Stage, 'cohort' | 'states' | 'keys'>,
  depositors: readonly number[],
  zero: RingVector,
  opening: Opening = {},
): Promise<Stage> {
  const { adder, parties, session, client } = cohort
  const states = new Map(joined.states)
  const deposits = new Map<number, server.Deposited>()
  const opened = { attempt, stateHash, previous: [], ...opening }
  for (const index of depositors) {
    const request = { attempt: opened.attempt, peers: [...keys.values()] }
    const dealt = await client.deposit(parties[index], stateOf({ states }, index), request)
    states.set(index, dealt.state)
    deposits.set(index, await server.checkBundle(adder, index, dealt.answer))
  }
  const [group] = await drawGroups(provider, session, opened.attempt)
  const round = await server.openRound(adder, { ...opened, group, deposits, keys, zero })
  const starts = await server.roundStarts(adder, round, { keys, next: [group] })
  return { cohort, states, keys, round, starts }
}

/** A site checks the start and masks its vector; what it would send. */
export async function maskedUpload(
  stage: Stage,
  index: number,
  plain: RingVector,
): Promise<{ readonly state: deployed.ClientState; readonly message: Upload; readonly vector: RingVector }> {
  const { client, parties } = stage.cohort
  const party = parties[index]
  const message = stage.starts.get(index)
  if (message === undefined) throw new Error(`site ${index} is not in the round`)
  const started = await client.start(party, stateOf(stage, index), message, stage.round.stateHash)
  const vector = plain.slice()
  const masked = await client.mask(party, started.state, vector)
  const announced = { hash: new Uint8Array(32), length: vector.length, nextAttempt: stage.round.attempt + 1 }
  const { state, answer } = await client.upload(party, masked, { ...announced, peers: [...stage.keys.values()] })
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

/** The survivors are fixed and, in strict mode, `signers` sign them. */
export async function agreeStage(stage: Stage, signers: readonly number[]): Promise<Stage> {
  const { adder, parties, client, session } = stage.cohort
  const closed = await server.closeUploads(adder, stage.round)
  const states = new Map(stage.states)
  let { round } = closed
  if (session.formation.mode === 'fast') return { ...stage, states, round }
  for (const index of signers) {
    const { state, answer } = await client.agree(parties[index], stateOf(stage, index), closed.request)
    states.set(index, state)
    round = await server.takeConsistency(adder, round, index, answer)
  }
  return { ...stage, states, round }
}

/** `revealers` open their shares, and the masks come off. */
export async function revealStage(stage: Stage, revealers: readonly number[]): Promise<RingVector> {
  const { adder, parties, client } = stage.cohort
  const request = await server.requestReveal(adder, stage.round)
  let { round } = stage
  for (const index of revealers) {
    const { answer } = await client.reveal(parties[index], stateOf(stage, index), request)
    round = await server.takeReveal(adder, round, index, answer)
  }
  return (await unmask(adder, round)).sum
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
