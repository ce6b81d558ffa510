/** One round: the secure sum, then the global step, the journal, and every site is told. */

import type { SumRequest } from '../protocol/algorithm.ts'
import { toHex } from '../protocol/bytes.ts'
import { sitesOfRound } from '../protocol/sampling.ts'
import type { Culprit } from '../protocol/secagg/recover.ts'
import { decode } from '../protocol/vector/encoding.ts'
import { packedLength, packVector } from '../protocol/vector/packing.ts'
import { roundOf } from '../protocol/wire/attempts.ts'
import { chargeRound } from './budget.ts'
import { share } from './record.ts'
import { present, type RunState } from './run-state.ts'
import { type SecureSum, sumSecurely } from './secure-sum.ts'

export interface RoundStep<State> {
  readonly state: State
  readonly request: SumRequest
  readonly attempt: number
}

export interface Committed<State> {
  readonly state: State
  readonly stateHash: Uint8Array
}

/** @throws ProtocolError when too few sites stay to the end: then nothing was learned and the round can be tried again. */
export async function runRound<State, Site>(
  run: RunState<State, Site>,
  step: RoundStep<State>,
): Promise<Committed<State>> {
  const began = run.clock.now()
  const { algorithm, provider } = run
  const start = algorithm.encode(step.state)
  const stateHash = await provider.sha256(start)
  await run.blobs.put(stateHash, start)

  await run.journal({
    type: 'round-start',
    attempt: step.attempt,
    purpose: step.request.purpose,
    startHash: toHex(stateHash),
  })
  run.attempt = step.attempt
  const round = roundOf(step.attempt)
  const here = present(run)
  // Where shares were asked for before, the round can only be made with the same sites: all are asked.
  const bound = run.asked?.round === round
  run.cohort = run.attendances.choose(round, here, {
    needed: bound ? here.length : run.adder.session.formation.needed,
    sampled: sampledIn(run, step.request, round),
    seed: run.plan.seed,
  })
  const { survivors, absent, transcripts, ...summed } = await addUp(run, step, stateHash)
  const sites = survivors.map((index) => run.roster[index].name)
  const absences = absent.map(({ member, code, reason }) => ({ site: member.name, code, reason }))
  const published = { ...summed, step, startHash: stateHash, sites, absent: absences, transcripts }
  const committed = await publish(run, published)
  run.previous = transcripts
  run.report({
    type: 'round',
    round,
    purpose: step.request.purpose,
    sites,
    absent: absences,
    metrics: algorithm.metrics(summed.state),
    intervals: algorithm.intervals?.(summed.state) ?? {},
    seconds: (run.clock.now() - began) / 1000,
    bytesUp: survivors.length * packedLength(step.request),
    bytesDown: packedLength(step.request),
    stateHash: toHex(committed.stateHash),
  })
  return committed
}

interface Summed<State> extends Omit<SecureSum, 'sum' | 'culprits'> {
  readonly state: State
  readonly sumHash: Uint8Array
  readonly sumLength: number
}

/** The sum, in the store, and the state that follows from it. The numbers between the two are let go of: they are large. */
async function addUp<State, Site>(
  run: RunState<State, Site>,
  step: RoundStep<State>,
  stateHash: Uint8Array,
): Promise<Summed<State>> {
  const { request } = step
  const { sum, culprits, ...added } = await sumSecurely(run, { ...step, stateHash })
  run.attendances.note(roundOf(step.attempt), added.survivors, added.absent)
  for (const culprit of culprits) await accuse(run, culprit)
  run.noiseSum(sum, request, run.random)
  const bytes = packVector(sum, request)
  const sumHash = await run.provider.sha256(bytes)
  await run.blobs.put(sumHash, bytes)
  const lanes = decode(sum, request, run.roster.length)
  const state = run.algorithm.apply(step.state, request, lanes, added.survivors.length)
  return { ...added, state, sumHash, sumLength: bytes.length }
}

/** A round of the model, whose numbers take 32 bits; statistics and evaluations take 64 and ask every site. */
const isTraining = ({ bits }: SumRequest): boolean => bits === 32

/** Sites that the plan draws for this round; `undefined` where it asks all. */
function sampledIn<State, Site>(run: RunState<State, Site>, request: SumRequest, round: number): number | undefined {
  const { sampling, seed } = run.plan
  if (sampling === undefined || !isTraining(request)) return undefined
  return sitesOfRound(sampling, { roster: run.roster.length, seed, round })
}

/** The sum is exact all the same; who revealed or dealt false shares is named in the journal and has to come back anew. */
async function accuse<State, Site>(run: RunState<State, Site>, { index, as }: Culprit): Promise<void> {
  const { name } = run.roster[index]
  const reason =
    as === 'revealer'
      ? 'the shares it revealed were not those it was dealt'
      : 'the shares it dealt were not all of the one secret it committed to'
  await run.journal({ type: 'culprit', site: name, attempt: run.attempt, code: 'ERR_BAD_SHARE', reason })
  run.report({ type: 'left', site: name, code: 'ERR_BAD_SHARE', reason })
  run.members.drop({ index, name }, 'ERR_BAD_SHARE', reason)
}

interface Publication<State> {
  readonly step: RoundStep<State>
  readonly startHash: Uint8Array
  readonly state: State
  readonly sumHash: Uint8Array
  readonly sumLength: number
  readonly sites: string[]
  readonly absent: { site: string; code: string; reason: string }[]
  readonly transcripts: readonly Uint8Array[]
}

/** The sum is public from here on: every site recomputes the state from it. */
async function publish<State, Site>(
  run: RunState<State, Site>,
  { step, startHash, state, sumHash, sumLength, sites, absent, transcripts }: Publication<State>,
): Promise<Committed<State>> {
  const stateBytes = run.algorithm.encode(state)
  const stateHash = await run.provider.sha256(stateBytes)
  // Before the journal says that the round is committed: a restarted coordinator goes on from these bytes.
  await run.blobs.put(stateHash, stateBytes)
  const { head } = await run.journal({
    type: 'round',
    attempt: step.attempt,
    startHash: toHex(startHash),
    participants: sites,
    absent,
    transcripts: transcripts.map(toHex),
    sumHash: toHex(sumHash),
    stateHash: toHex(stateHash),
  })
  await chargeRound(run, step)
  run.members.broadcast({
    type: 'round-end',
    attempt: step.attempt,
    startHash,
    survivors: sites.length,
    sumHash,
    sumLength,
    stateHash,
    journalHead: head.hash,
  })
  share(run)
  return { state, stateHash }
}
