/** One attempt in all its groups: each in the same phase, those that cannot go on left out, and who is missing and why. */

import { ProtocolError } from '../protocol/errors.ts'
import type { Group } from '../protocol/secagg/groups.ts'
import type { SecureMessage } from '../protocol/secagg/messages.ts'
import type * as server from '../protocol/secagg/server.ts'
import { roundOf } from '../protocol/wire/attempts.ts'
import type { Absence } from './members.ts'
import type { Need } from './pace.ts'
import type { RunState } from './run-state.ts'

export class GroupedRound<State, Site> {
  readonly requests = new Map<number, SecureMessage>()
  readonly #run: RunState<State, Site>
  readonly #groups = new Map<number, server.ServerRound>()
  readonly #absent = new Map<number, Absence>()

  constructor(run: RunState<State, Site>) {
    this.#run = run
    run.absent = []
  }

  get members(): readonly number[] {
    return [...this.#groups.values()].flatMap(({ deposits }) => [...deposits.keys()])
  }

  get survivors(): readonly number[] {
    return [...this.#groups.values()].flatMap(({ survivors }) => survivors).sort((a, b) => a - b)
  }

  get groups(): readonly Group[] {
    return [...this.#groups.values()].map(({ group }) => group)
  }

  get transcripts(): readonly Uint8Array[] {
    return [...this.#groups.values()].map(({ transcript }) => transcript)
  }

  /** Everybody of the roster who is not in the sum. */
  get absences(): readonly Absence[] {
    const survivors = new Set(this.survivors)
    return [...this.#run.roster.keys()].flatMap((index) =>
      survivors.has(index) ? [] : [this.#absent.get(index) ?? absenceOf(this.#run, index)],
    )
  }

  /** Who broke a rule is named in the journal, also where its contribution is in the sum already. */
  async note(absences: readonly Absence[]): Promise<void> {
    for (const absence of absences) {
      const { member, code, reason, fault } = absence
      if (!this.#absent.has(member.index)) this.#absent.set(member.index, absence)
      this.#run.absent = [...this.#absent.values()]
      const { attempt } = this.#run
      if (fault) await this.#run.journal({ type: 'culprit', site: member.name, attempt, code, reason })
    }
  }

  open(opened: server.ServerRound): void {
    this.#groups.set(opened.group.number, opened)
  }

  of(index: number): server.ServerRound | undefined {
    return [...this.#groups.values()].find(({ deposits }) => deposits.has(index))
  }

  /** Every group goes on; one that cannot is left out. @throws ProtocolError why, where none is left. */
  async each(work: (round: server.ServerRound) => Promise<server.ServerRound>): Promise<void> {
    for (const [number, round] of this.#groups) {
      try {
        this.#groups.set(number, await work(round))
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error
        this.#groups.delete(number)
        await this.leaveOut(round.group, error)
      }
    }
  }

  async leaveOut(group: Group, error: ProtocolError): Promise<void> {
    const others = this.#run.adder.session.formation.groups - 1
    if (others === 0) throw error
    await blame(this.#run, error)
    const { code, message: reason } = error
    await this.note(
      group.members.map((index) => ({ member: { index, name: this.#run.roster[index].name }, code, reason })),
    )
  }

  expectSurvivors(minimum: number): void {
    if (this.survivors.length < minimum)
      throw new ProtocolError(
        'ERR_TOO_FEW_SURVIVORS',
        `a sum needs ${minimum} sites, ${this.survivors.length} are in groups that stayed whole`,
      )
  }
}

/** Why a site that was not asked at all is not there. */
export function absenceOf<State, Site>({ roster, declined, barred }: RunState<State, Site>, index: number): Absence {
  const member = { index, name: roster[index].name }
  if (barred.has(index))
    return { member, code: 'ERR_BARRED', reason: 'the site was named as the cause of an attempt that failed' }
  if (declined.has(index)) return { member, code: 'ERR_DECLINED', reason: 'the site takes no part in this run' }
  return { member, code: 'ERR_NOT_CONNECTED', reason: 'the site was not connected when the round began' }
}

/**
 * A site that can be named as the cause takes no further part in this run: the same would only happen again. Not so where
 * shares were asked for with it in the sum: this round can be made with it or not at all.
 */
export async function blame<State, Site>(
  run: RunState<State, Site>,
  { code, message: reason, culprit }: ProtocolError,
): Promise<void> {
  const index = run.roster.findIndex(({ name }) => name === culprit)
  if (index < 0) return
  const { name } = run.roster[index]
  await run.journal({ type: 'culprit', site: name, attempt: run.attempt, code, reason })
  run.report({ type: 'left', site: name, code, reason })
  const bound = run.asked?.round === roundOf(run.attempt) && run.asked.survivors.has(index)
  if (!bound) run.barred.add(index)
}

/**
 * Members of a group that may take part: all, or, where shares were asked for in an earlier attempt at this round, those
 * they were asked for. Sites reveal for no other survivors of the same state: the difference would be somebody's data.
 */
export function admitted<State, Site>(run: RunState<State, Site>, attempt: number, group: Group): readonly number[] {
  const before = askedAbout(run, attempt, group)
  return before.length === 0 ? group.members : before
}

/** Vectors without which an attempt comes to nothing: enough in every group, or those of all that may take part. */
export function vectorsNeeded<State, Site>(
  run: RunState<State, Site>,
  attempt: number,
  groups: readonly Group[],
): readonly Need[] {
  return groups.map((group) => {
    const before = askedAbout(run, attempt, group)
    return before.length === 0 ? enoughOf(group) : { members: before, least: before.length }
  })
}

/** As many of a group as its sum cannot do without. */
export const enoughOf = ({ members, thresholds }: Group): Need => ({ members, least: thresholds.minimum })

const askedAbout = <State, Site>({ asked }: RunState<State, Site>, attempt: number, { members }: Group): number[] =>
  asked?.round === roundOf(attempt) ? members.filter((index) => asked.survivors.has(index)) : []
