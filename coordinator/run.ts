/** A run: waits for its sites, commits round after round, and tells every site when it is over. */

import type { Algorithm, SumRequest } from '../protocol/algorithm.ts'
import { toHex } from '../protocol/bytes.ts'
import { InputError, ProtocolError } from '../protocol/errors.ts'
import { planBytes, planHash } from '../protocol/plan.ts'
import { openSession } from '../protocol/secagg/session.ts'
import { precisionOf, precisionText } from '../protocol/vector/precision.ts'
import { attemptOf, roundOf } from '../protocol/wire/attempts.ts'
import { limits } from '../protocol/wire/limits.ts'
import type { RosterEntry } from '../protocol/wire/messages.ts'
import { makeOffer } from '../protocol/wire/offer.ts'
import { chargeLastRound, spentBefore } from './budget.ts'
import type { Checkpoint } from './checkpoint.ts'
import { Attendances } from './cohort.ts'
import type { FinishedEvent } from './events.ts'
import { blame } from './grouped-round.ts'
import { Halted } from './members.ts'
import { RunRecord, share } from './record.ts'
import { retryLater, withoutText } from './retry.ts'
import { type Committed, runRound } from './round.ts'
import { present, type RunParts, type RunState, takeMembership } from './run-state.ts'

export interface RunResult<State> {
  readonly state: State
  readonly stateHash: Uint8Array
  readonly rounds: number
}

/** @throws Halted where the operator paused or stopped it; a run that was paused goes on from its journal. */
export async function runPlan<State, Site>(parts: RunParts<State, Site>): Promise<RunResult<State>> {
  const run = await openRun(parts)
  if (run.from === undefined) await beginJournal(run)
  else if (run.from.interrupted) {
    const reason = 'the coordinator was restarted in the middle of this attempt'
    await run.journal({ type: 'abort', attempt: run.from.attempt, code: 'ERR_RESTARTED', reason })
  }
  await chargeLastRound(run)
  if (run.pages !== undefined && run.pages !== run.record.pages && run.from?.finished !== true)
    await run.journal({ type: 'pages', hash: run.pages })
  const { mode, groups, honest } = run.adder.session.formation
  run.report({ type: 'formation', mode, groups, honest })
  const training = run.algorithm.preview?.()
  if (training !== undefined)
    for (const precision of precisionOf(training, run.roster.length))
      run.report({ type: 'precision', text: precisionText(precision) })
  let state = run.from?.state ?? run.algorithm.init()
  let rounds = run.from?.rounds ?? 0
  try {
    if (run.algorithm.request(state) !== undefined) await assemble(run)
    for (let request = run.algorithm.request(state); request !== undefined; request = run.algorithm.request(state)) {
      run.members.heed()
      state = (await commitRound(run, { state, request, round: rounds })).state
      rounds++
    }
  } catch (error) {
    if (error instanceof Halted && error.wish === 'stop') await endEarly(run, { state, rounds })
    throw error
  }
  const stateHash = await run.provider.sha256(run.algorithm.encode(state))
  if (run.from?.finished !== true) {
    await run.journal({
      type: 'finish',
      code: 'OK',
      reason: 'the run is complete',
      rounds,
      stateHash: toHex(stateHash),
    })
    await signOff(run)
  }
  run.members.broadcast({ type: 'finish', code: 'OK', reason: 'the run is complete', stateHash })
  const result = { state, stateHash, rounds }
  run.report(finishedEvent(run.algorithm, result))
  return result
}

export const finishedEvent = <State, Site>(
  algorithm: Algorithm<State, Site>,
  { state, stateHash, rounds }: RunResult<State>,
): FinishedEvent => ({
  type: 'finished',
  rounds,
  modelHash: toHex(stateHash),
  metrics: algorithm.metrics(state),
  result: algorithm.result(state),
})

/** The operator has stopped the run: the journal has its last entry, and every site lets go. */
async function endEarly<State, Site>(
  run: RunState<State, Site>,
  { state, rounds }: { readonly state: State; readonly rounds: number },
): Promise<void> {
  const stateHash = await run.provider.sha256(run.algorithm.encode(state))
  const end = { code: 'ERR_RUN_STOPPED', reason: 'the operator stopped the run' }
  await run.journal({ type: 'finish', ...end, rounds, stateHash: toHex(stateHash) })
  share(run)
  run.members.broadcast({ type: 'finish', ...end, stateHash })
}

/** The sites that countersigned before sign the whole journal too; one that has gone is not waited for. */
async function signOff<State, Site>(run: RunState<State, Site>): Promise<void> {
  share(run)
  const awaits = present(run).flatMap(({ index, name }) => (run.record.hasSigned(name) ? [index] : []))
  await run.members.gather({
    awaits,
    take: async (member, message) => {
      await takeMembership(run, member, message)
      return message.type === 'countersign' && run.record.isWhole(message.index) ? 'answered' : 'ignored'
    },
  })
  share(run)
}

async function beginJournal<State, Site>(run: RunState<State, Site>): Promise<void> {
  await run.journal({
    type: 'plan',
    name: run.plan.name,
    planHash: toHex(planHash(run.plan)),
    session: toHex(run.adder.session.id),
    coordinator: toHex(run.identity.publicKey),
  })
  const sites = run.roster.map(({ name, identity }) => ({ name, identity: toHex(identity) }))
  await run.journal({ type: 'roster', sites })
}

async function openRun<State, Site>(parts: RunParts<State, Site>): Promise<RunState<State, Site>> {
  const { nonce } = parts
  const session = await openSession(parts.provider, {
    planHash: planHash(parts.plan),
    roster: parts.roster,
    rules: parts.plan,
    nonce,
    coordinator: parts.identity.publicKey,
  })
  const adder = { provider: parts.provider, session, sign: parts.identity.sign }
  const offer = await makeOffer(parts.identity, { plan: planBytes(parts.plan), roster: parts.roster, nonce })
  const record = new RunRecord(parts.entries ?? [])
  const run: RunState<State, Site> = {
    ...parts,
    record,
    journal: async (entry) => {
      const appended = await parts.journal(entry)
      record.add(appended.sealed)
      return appended
    },
    adder,
    offer,
    keys: new Map(),
    declined: leftOut(parts),
    deposits: new Map(),
    barred: new Set(),
    attendances: new Attendances(),
    cohort: { members: [], absent: [] },
    absent: [],
    spent: spentBefore(parts),
    attempt: 0,
    previous: parts.from?.transcripts ?? [],
    asked: parts.from && askedBefore(parts.from, parts.roster),
  }
  // Whoever comes, now or in the middle of a round, is offered the run and takes part from the next round on.
  parts.members.onCame((member) => parts.members.send(member.index, offer))
  return run
}

/** Nobody waits for the sites that the plan leaves out. @throws InputError ERR_PLAN for a name that is in no roster. */
function leftOut({ plan, roster }: Pick<RunParts<unknown, unknown>, 'plan' | 'roster'>): Set<number> {
  const names = roster.map(({ name }) => name)
  const unknown = (plan.without ?? []).find((name) => !names.includes(name))
  if (unknown !== undefined)
    throw new InputError(
      'ERR_PLAN',
      `expected sites of the roster (${names.join(', ')}), found "${unknown}"`,
      'without',
    )
  return new Set((plan.without ?? []).map((name) => names.indexOf(name)))
}

/** Waits for the quorum, then a while for the rest of the roster; not for members that declined. */
async function assemble<State, Site>(run: RunState<State, Site>): Promise<void> {
  const { needed } = run.adder.session.formation
  let patience: number | undefined
  let told: string | undefined
  const expected = (): number => Math.max(needed, run.roster.length - run.declined.size - run.barred.size)
  while (present(run).length < expected()) {
    const names = present(run).map(({ name }) => name)
    const missing = run.roster.map(({ name }) => name).filter((name) => !names.includes(name))
    if (told !== names.join()) run.report({ type: 'waiting', present: names, missing, needed })
    told = names.join()
    if (names.length < needed) patience = undefined
    else if (run.assembly !== undefined) patience ??= run.clock.now() + run.assembly
    if (patience !== undefined && run.clock.now() >= patience) break
    await run.members.attend({ until: patience, take: (member, message) => takeMembership(run, member, message) })
  }
  if (told !== undefined) run.report({ type: 'assembled', sites: present(run).length })
}

interface Step<State> {
  readonly state: State
  readonly request: SumRequest
  readonly round: number
}

/** Tries a round until it commits. A failed attempt costs nothing but time: nothing of it was learned. */
async function commitRound<State, Site>(run: RunState<State, Site>, step: Step<State>): Promise<Committed<State>> {
  const before = run.from !== undefined && roundOf(run.from.attempt) === step.round ? run.from.attempt : 0
  // Attempts of an earlier process are numbers that are taken, not failures of this one.
  const first = before === 0 ? 0 : before - attemptOf(step.round, 0) + 1
  for (let tries = first; ; tries++) {
    const attempt = attemptOf(step.round, tries)
    try {
      return await runRound(run, { ...step, attempt })
    } catch (error) {
      if (error instanceof Halted) {
        const stopped = { attempt, code: 'ERR_RUN_STOPPED', reason: 'the operator stopped the run' }
        run.members.broadcast({ type: 'abort', ...stopped })
        await run.journal({ type: 'abort', ...stopped })
      }
      if (!(error instanceof ProtocolError)) throw error
      run.members.broadcast({ type: 'abort', attempt, code: error.code, reason: error.message })
      run.deposits = new Map()
      const reason = `${error.message}${withoutText(run)}`.slice(0, limits.reason)
      await run.journal({ type: 'abort', attempt, code: error.code, reason })
      await blame(run, error)
      await retryLater(run, { round: step.round, failures: tries - first, error })
      await assemble(run)
    }
  }
}

/** Whom an earlier process had asked about in the round that it left in the middle. */
function askedBefore(
  { asked, rounds }: Checkpoint<unknown>,
  roster: readonly RosterEntry[],
): RunState<unknown, unknown>['asked'] {
  const survivors = [...roster.entries()].flatMap(([index, { name }]) => (asked.includes(name) ? [index] : []))
  return { round: rounds, survivors: new Set(survivors) }
}
