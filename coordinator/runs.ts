/** The runs of a coordinator: queued in the order they came, several at once, each apart from the others. */

import { randomBytes } from 'node:crypto'
import { computationOf, planMenus } from '../learning/computation.ts'
import { InputError, ProtocolError } from '../protocol/errors.ts'
import { parsePlanFile } from '../protocol/plan.ts'
import type { RosterEntry } from '../protocol/wire/messages.ts'
import { EventLog } from './event-log.ts'
import type { RunEvent, TimedEvent } from './events.ts'
import { type ExecutionParts, execute, outcomeOf } from './execution.ts'
import type { Standing } from './hub.ts'
import { journalText } from './journal.ts'
import { clock, random } from './machine.ts'
import { Halted, Members, type Wish } from './members.ts'
import type { ObservedRun } from './operations/observer.ts'
import type { StragglerRule } from './pace.ts'
import { isStoreFault } from './store/faults.ts'
import type { NewRun, RosterVersion, StoredRun } from './store/store.ts'

/** `queued` and `waiting` (for sites) and `running` are all open in the store. */
export type RunPhase = 'queued' | 'running' | 'waiting' | 'paused' | 'finished' | 'failed' | 'stopped'

export interface RunSummary {
  readonly id: string
  readonly name: string
  readonly status: RunPhase
  /** Milliseconds since 1970. */
  readonly submitted: number
  /** Rounds that this process has seen committed. */
  readonly rounds: number
  /** Sites without which a waiting run does not go on, one of several. */
  readonly missing: readonly string[]
  /** Why it has failed or was stopped; empty otherwise. */
  readonly code: string
  readonly reason: string
}

export interface SiteStanding extends Partial<Standing> {
  readonly name: string
}

export interface RunsParts extends ExecutionParts {
  /** The current roster, for runs to come. */
  readonly roster: () => RosterVersion
  /** Told of everything that happens in a run. */
  readonly observe: (run: ObservedRun, event: TimedEvent) => void
  /** Runs that are under way at one time. */
  readonly atOnce: number
  /** Milliseconds of silence after which a site is given up for a round. */
  readonly patience: number
  /** When a site that is alive and does not answer is left behind; where unset, never. */
  readonly stragglers: StragglerRule | undefined
  /** Milliseconds that a round waits for sites whose connection was lost when it waits for nobody else. */
  readonly grace: number
  /** The store has failed: no run can go on. */
  readonly onFault: (error: unknown) => void
}

interface Entry {
  readonly run: NewRun
  readonly name: string
  readonly sites: readonly RosterEntry[]
  readonly events: EventLog
  status: RunPhase
  rounds: number
  missing: readonly string[]
  code: string
  reason: string
  members: Members | undefined
}

export class Runs {
  readonly #parts: RunsParts
  readonly #entries = new Map<string, Entry>()
  readonly #rosters: ReadonlyMap<number, readonly RosterEntry[]>
  #closed = false

  private constructor(parts: RunsParts, rosters: readonly RosterVersion[]) {
    this.#parts = parts
    this.#rosters = new Map(rosters.map(({ version, sites }) => [version, sites]))
  }

  /** Takes up the runs that the store holds. */
  static async open(parts: RunsParts): Promise<Runs> {
    const { store } = parts
    const runs = new Runs(parts, await store.rosters())
    for (const stored of await store.runs()) runs.#add(stored)
    runs.#startNext()
    return runs
  }

  list(): readonly RunSummary[] {
    return [...this.#entries.values()].map(summaryOf)
  }

  /** The plan files of all runs, as they were submitted. */
  plans(): string[] {
    return [...this.#entries.values()].map(({ run }) => run.plan)
  }

  /** @throws InputError ERR_RUN. */
  find(id: string): RunSummary {
    return summaryOf(this.#entry(id))
  }

  /** @throws InputError when the plan does not hold. */
  async submit(plan: string): Promise<RunSummary> {
    const { store, roster } = this.#parts
    const { version, sites } = roster()
    checkedPlan(plan, sites)
    const run: NewRun = {
      ...{ id: randomBytes(8).toString('hex'), plan, nonce: random.bytes(32) },
      ...{ roster: version, submitted: clock.now() },
    }
    await store.addRun(run)
    const entry = this.#add({ ...run, status: 'open', code: '', reason: '' })
    this.#startNext()
    return summaryOf(entry)
  }

  /** Rests after the round that is under way; where none is, at once. @throws InputError ERR_RUN, ERR_RUN_STATUS. */
  async pause(id: string): Promise<RunSummary> {
    const entry = this.#entry(id)
    require(entry, ['queued', 'running', 'waiting'], 'paused')
    if (entry.members !== undefined) entry.members.halt('pause')
    else await this.#rest(entry, 'pause')
    return summaryOf(entry)
  }

  async resume(id: string): Promise<RunSummary> {
    const entry = this.#entry(id)
    require(entry, ['paused'], 'resumed')
    await this.#parts.store.setStatus(id, 'open')
    this.#queue(entry)
    this.#startNext()
    return summaryOf(entry)
  }

  /** For good: what has been computed stays, nothing more is. @throws InputError ERR_RUN, ERR_RUN_STATUS. */
  async stop(id: string): Promise<RunSummary> {
    const entry = this.#entry(id)
    require(entry, ['queued', 'running', 'waiting', 'paused'], 'stopped')
    if (entry.members !== undefined) entry.members.halt('stop')
    else await this.#rest(entry, 'stop')
    return summaryOf(entry)
  }

  /** What has happened, then what does, until the run has ended. @throws InputError ERR_RUN. */
  follow(id: string): AsyncIterable<TimedEvent> {
    return this.#entry(id).events.follow()
  }

  /** The same, as many events at a time as are there. @throws InputError ERR_RUN. */
  batches(id: string): AsyncIterable<readonly TimedEvent[]> {
    return this.#entry(id).events.batches()
  }

  /** The sites of a run, or of the current roster, and how each stands; one that has not been seen has its name alone. */
  sites(id?: string): readonly SiteStanding[] {
    const sites = this.#entries.get(id ?? '')?.sites ?? this.#parts.roster().sites
    return sites.map(({ name, identity }) => ({ name, ...this.#parts.hub.standing(identity) }))
  }

  /** @throws InputError ERR_RUN. */
  journal(id: string): Promise<string> {
    return journalText(this.#parts.store, this.#entry(id).run.id)
  }

  /** No run begins any more; those under way are left as they stand, for the next process. */
  close(): void {
    this.#closed = true
  }

  #entry(id: string): Entry {
    const entry = this.#entries.get(id)
    if (entry === undefined) throw new InputError('ERR_RUN', `there is no run ${id}`)
    return entry
  }

  #add(stored: StoredRun): Entry {
    const sites = this.#rosters.get(stored.roster) ?? this.#parts.roster().sites
    const status = stored.status === 'open' ? 'queued' : stored.status
    const name = storedPlan(stored, sites)
    const entry: Entry = {
      ...{ run: stored, name, sites, status, rounds: 0, missing: [], members: undefined },
      ...{ code: stored.code, reason: stored.reason },
      events: new EventLog({
        clock,
        watch: (event) => this.#parts.observe({ id: stored.id, name }, event),
        retell: () => this.#retell(stored, sites),
      }),
    }
    this.#entries.set(stored.id, entry)
    if (status === 'queued') this.#queue(entry)
    else if (status === 'paused') entry.events.add({ type: 'paused' })
    else entry.events.end()
    return entry
  }

  /** What is told of a run that ended in an earlier process. */
  async #retell(stored: StoredRun, sites: readonly RosterEntry[]): Promise<RunEvent | undefined> {
    if (stored.status === 'finished') return outcomeOf(stored, sites, this.#parts)
    return stored.status === 'open' || stored.status === 'paused'
      ? undefined
      : { type: 'failed', code: stored.code, reason: stored.reason }
  }

  #queue(entry: Entry): void {
    entry.status = 'queued'
    const before = this.list().filter(({ id, status }) => id !== entry.run.id && status === 'queued').length
    entry.events.add({ type: 'queued', before })
  }

  /** A run that waits for sites leaves its place to others. */
  #startNext(): void {
    const entries = [...this.#entries.values()]
    const next = entries.find(({ status }) => status === 'queued')
    const running = entries.filter(({ status }) => status === 'running').length
    if (this.#closed || next === undefined || running >= this.#parts.atOnce) return
    next.status = 'running'
    const { patience, grace, stragglers } = this.#parts
    next.members = new Members({ clock, patience, grace, stragglers })
    void this.#execute(next, next.members)
    this.#startNext()
  }

  async #execute(entry: Entry, members: Members): Promise<void> {
    const { run, sites: roster } = entry
    try {
      await execute({ ...this.#parts, run, roster, members, report: (event) => this.#tell(entry, event) })
      await this.#parts.store.setStatus(run.id, 'finished')
      entry.status = 'finished'
    } catch (error) {
      if (isStoreFault(error)) this.#parts.onFault(error)
      else if (error instanceof Halted) await this.#rest(entry, error.wish).catch(this.#parts.onFault)
      else await this.#fail(entry, error).catch(this.#parts.onFault)
    } finally {
      entry.members = undefined
      if (entry.status !== 'paused') entry.events.end()
      this.#startNext()
    }
  }

  #tell(entry: Entry, event: RunEvent): void {
    if (event.type === 'round') entry.rounds++
    if (event.type === 'waiting' || event.type === 'assembled') {
      entry.status = event.type === 'waiting' ? 'waiting' : 'running'
      entry.missing = event.type === 'waiting' ? event.missing : []
      this.#startNext()
    }
    entry.events.add(event)
  }

  async #rest(entry: Entry, wish: Wish): Promise<void> {
    const { store } = this.#parts
    if (wish === 'pause') {
      await store.setStatus(entry.run.id, 'paused')
      entry.status = 'paused'
      entry.events.add({ type: 'paused' })
    } else {
      const why = { code: 'ERR_RUN_STOPPED', reason: 'the operator stopped the run' }
      await store.setStatus(entry.run.id, 'stopped', why)
      Object.assign(entry, why, { status: 'stopped' })
      entry.events.add({ type: 'failed', ...why })
      entry.events.end()
    }
  }

  /** A fault of ours, or a journal that does not hold, leaves the run open: a restart takes it up again. */
  async #fail(entry: Entry, error: unknown): Promise<void> {
    const known = error instanceof InputError || error instanceof ProtocolError
    if (!known) console.error(error)
    const code = known ? error.code : 'ERR_INTERNAL'
    const reason = known ? error.message : 'the coordinator failed; its own terminal says why'
    if (known && code !== 'ERR_JOURNAL') await this.#parts.store.setStatus(entry.run.id, 'failed', { code, reason })
    Object.assign(entry, { code, reason, status: 'failed' })
    entry.events.add({ type: 'failed', code, reason })
  }
}

function require(entry: Entry, from: readonly RunPhase[], what: string): void {
  if (!from.includes(entry.status))
    throw new InputError('ERR_RUN_STATUS', `a run that is ${entry.status} cannot be ${what}`)
}

const summaryOf = ({ run, name, status, rounds, missing, code, reason }: Entry): RunSummary => ({
  ...{ id: run.id, name, status, submitted: run.submitted },
  ...{ rounds, missing: status === 'waiting' ? missing : [], code, reason },
})

/** Faults of the plan as a whole show here, before any site is asked. @returns its name. @throws InputError. */
function checkedPlan(text: string, sites: readonly RosterEntry[]): string {
  const { plan } = parsePlanFile(text, planMenus)
  computationOf(plan, sites.length)
  return plan.name
}

/** @throws InputError ERR_STORE where what was checked when it was submitted does not hold any more. */
function storedPlan({ id, plan }: StoredRun, sites: readonly RosterEntry[]): string {
  try {
    return checkedPlan(plan, sites)
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    throw new InputError(
      'ERR_STORE',
      `its plan is not as it was submitted; restore a backup: ${error.message}`,
      `run ${id}`,
    )
  }
}
