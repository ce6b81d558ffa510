/**
 * A simulated run: the deployed plan, algorithm, encoding and global step; the sites' work is spread over threads, and the
 * ring sums are added without masks, which cancel in them exactly. So the states are the deployed run's, bit for bit.
 */

import { createHash } from 'node:crypto'
import type { RunEvent } from '../../coordinator/events.ts'
import { computationOf } from '../../learning/computation.ts'
import type { Lanes, SumRequest } from '../../protocol/algorithm.ts'
import { toHex } from '../../protocol/bytes.ts'
import type { RingVector } from '../../protocol/crypto/provider.ts'
import { ProtocolError } from '../../protocol/errors.ts'
import type { PrivacyEvent } from '../../protocol/privacy/event.ts'
import { Stream } from '../../protocol/stream.ts'
import { decode } from '../../protocol/vector/encoding.ts'
import { packedLength, zeroVector } from '../../protocol/vector/packing.ts'
import { addTo, encodeAs, streamRandom } from './hand.ts'
import type { Pool } from './pool.ts'
import type { Schedule, Turn } from './schedule.ts'
import type { Kept, RoundPart, RoundTask, Setting, SiteTask } from './tasks.ts'

/** A sum over some of a round's sites. */
export interface GroupSum {
  readonly lanes: Lanes
  readonly sites: readonly number[]
}

/** What may be done to training rounds; a round without any of it is one sum. */
export interface Intervention {
  /** The sites of a round in groups, each a sum of its own. */
  readonly groupsOf?: (sites: readonly number[], round: number) => readonly (readonly number[])[]
  /** Sites whose numbers are exchanged for others before they are encoded. */
  readonly cheats?: ReadonlySet<number>
  readonly cheat?: (honest: readonly SiteLanes[], request: SumRequest, round: number) => readonly SiteLanes[]
  /** A site of the population's end that only the coordinator has: its numbers are in no sum. */
  readonly root?: number
  /** One sum from those of the groups. */
  readonly combine?: (groups: readonly GroupSum[], root: Lanes | undefined, request: SumRequest) => Lanes
  /** Told every training round with the state before it. */
  readonly watch?: (step: Watched) => Promise<void>
}

export interface SiteLanes {
  readonly site: number
  readonly lanes: Lanes
}

export interface Watched {
  readonly round: number
  readonly state: unknown
  readonly request: SumRequest
  readonly groups: readonly GroupSum[]
}

export interface Conducted {
  readonly state: unknown
  readonly stateHash: string
  readonly rounds: number
  /** What each site adds to the last evaluation, of its own model where it has one; nothing where that is too much. */
  readonly evaluations: readonly SiteLanes[]
  /** All rounds together; of them sent by sites and to sites. */
  readonly bytesUp: number
  readonly bytesDown: number
  /** On the virtual clock; `undefined` where none ran. */
  readonly seconds: number | undefined
  /** What the rounds cost one of those whom the plan's noise hides, at a site that was in all of them. */
  readonly costs: readonly PrivacyEvent[]
}

export interface Conduct {
  readonly pool: Pool
  readonly schedule: Schedule
  readonly report: (event: RunEvent) => void
  readonly intervention?: Intervention
}

/** Sites whose own evaluation is kept. */
const mostEvaluations = 2000
const mostTries = 20

/** @throws ProtocolError ERR_NO_QUORUM when a round finds too few sites again and again. */
export async function conduct(setting: Setting, parts: Conduct): Promise<Conducted> {
  const { plan, population } = setting
  const { algorithm, noiseSum, cost } = computationOf(plan, population.sites.length, { simulated: true })
  const run = new Run(setting, parts)
  await parts.pool.open(setting)
  const costs: PrivacyEvent[] = []
  let state = algorithm.init()
  let round = 0
  for (let request = algorithm.request(state); request !== undefined; request = algorithm.request(state)) {
    const began = performance.now()
    const bytes = algorithm.encode(state)
    const turn = run.turn(request, round, bytes)
    const { groups, root } = await run.sums({ request, round, turn }, (sum) => {
      noiseSum(sum, request, streamRandom(new Stream(`${plan.seed}/${round}/central-noise`)))
      return decode(sum, request, population.sites.length)
    })
    const { watch, combine } = run.interventionIn(request)
    await watch?.({ round, state, request, groups })
    const sum = combine === undefined ? totalOf(groups, request) : combine(groups, root, request)
    state = algorithm.apply(state, request, sum, turn.seats.length)
    run.tell({ request, round, turn, began }, algorithm.metrics(state), hashOf(algorithm.encode(state)))
    costs.push(...cost(request))
    round++
  }
  const { bytesUp, bytesDown, seconds, evaluations } = run
  const stateHash = hashOf(algorithm.encode(state))
  return { state, stateHash, rounds: round, evaluations, bytesUp, bytesDown, seconds, costs }
}

/** Whether updates are summed: those travel in the ring of 32 bits, statistics and evaluations in that of 64. */
const isTraining = (request: SumRequest): boolean => request.bits === 32

const isEvaluation = ({ lanes }: SumRequest): boolean => lanes.every(({ name }) => name.startsWith('evaluation.'))

interface Step {
  readonly request: SumRequest
  readonly round: number
  readonly turn: Turn
}

/** What a run carries from round to round beside the state. */
class Run {
  bytesUp = 0
  bytesDown = 0
  seconds: number | undefined
  evaluations: readonly SiteLanes[] = []
  readonly #setting: Setting
  readonly #parts: Conduct
  readonly #computation: ReturnType<typeof computationOf>
  readonly #states = new Map<number, Uint8Array>()
  readonly #memories = new Map<number, readonly Kept[]>()

  constructor(setting: Setting, parts: Conduct) {
    this.#setting = setting
    this.#parts = parts
    this.#computation = computationOf(setting.plan, setting.population.sites.length, { simulated: true })
  }

  interventionIn(request: SumRequest): Intervention {
    return isTraining(request) ? (this.#parts.intervention ?? {}) : {}
  }

  /** Who is in the round; tried again where too few are. */
  turn(request: SumRequest, round: number, state: Uint8Array): Turn {
    const { schedule, report } = this.#parts
    const shared = new Uint8Array(new SharedArrayBuffer(state.length))
    shared.set(state)
    this.#states.set(round, shared)
    let lost = 0
    for (let attempt = 0; ; attempt++) {
      const facts = {
        round,
        attempt,
        training: isTraining(request),
        bytesUp: packedLength(request),
        bytesDown: state.length,
      }
      const turn = schedule.turn(facts)
      const oldest = schedule.oldest(round)
      for (const version of this.#states.keys()) if (version < oldest) this.#states.delete(version)
      if (turn.seats.length >= schedule.needed) {
        return turn.seconds === undefined ? turn : { ...turn, seconds: turn.seconds + lost }
      }
      const code = 'ERR_NO_QUORUM'
      const reason = `${turn.seats.length} sites are there, ${schedule.needed} are needed`
      if (attempt + 1 === mostTries) throw new ProtocolError(code, `round ${round}: ${reason}, ${mostTries} times`)
      lost += turn.seconds ?? 0
      report({ type: 'retry', round, code, reason, seconds: turn.seconds ?? 0 })
    }
  }

  /** The round's sums, one a group. */
  async sums(
    step: Step,
    read: (sum: RingVector) => Lanes,
  ): Promise<{ readonly groups: readonly GroupSum[]; readonly root: Lanes | undefined }> {
    const { request, round, turn } = step
    const { groupsOf, cheats, root } = this.interventionIn(request)
    const sites = turn.seats.map(({ site }) => site)
    const groups = groupsOf?.(sites, round) ?? [sites]
    const groupOf = new Map(groups.flatMap((members, group) => members.map((site) => [site, group] as const)))
    const asIs = isEvaluation(request) && sites.length <= mostEvaluations
    const task = this.#task(step, (site) => (asIs || cheats?.has(site) ? undefined : groupOf.get(site)), root)
    const parts = await this.#parts.pool.round(task)
    this.#keep(parts)
    const sums = groups.map(() => zeroVector(request))
    for (const { group, sum } of parts.flatMap((part) => part.sums)) addTo(sums[group], sum)
    const plain = parts.flatMap((part) => part.plain).sort((a, b) => a.site - b.site)
    const own = plain.filter(({ site }) => site !== root)
    if (asIs) this.evaluations = own
    for (const { site, lanes } of this.#cheated(own, request, round)) {
      const { name } = this.#setting.population.sites[site]
      addTo(sums[groupOf.get(site) ?? 0], encodeAs(this.#setting, this.#computation, { task, site: name, lanes }))
    }
    return {
      groups: sums.map((sum, group) => ({ lanes: read(sum), sites: groups[group] })),
      root: plain.find(({ site }) => site === root)?.lanes,
    }
  }

  tell(
    { request, round, turn, began }: Step & { readonly began: number },
    metrics: Readonly<Record<string, number>>,
    stateHash: string,
  ): void {
    const { sites } = this.#setting.population
    const bytes = packedLength(request)
    this.bytesUp += turn.seats.length * bytes
    this.bytesDown += turn.seats.length * bytes
    if (turn.seconds !== undefined) this.seconds = (this.seconds ?? 0) + turn.seconds
    this.#parts.report({
      type: 'round',
      round,
      purpose: request.purpose,
      sites: turn.seats.map(({ site }) => sites[site].name),
      absent: turn.absent.map(({ site, code, reason }) => ({ site: sites[site].name, code, reason })),
      metrics,
      seconds: turn.seconds ?? (performance.now() - began) / 1000,
      bytesUp: turn.seats.length * bytes,
      bytesDown: bytes,
      stateHash,
    })
  }

  #task(
    { request, round, turn }: Step,
    groupOf: (site: number) => number | undefined,
    root: number | undefined,
  ): RoundTask {
    const versions = [...new Set(turn.seats.map(({ version }) => version))]
    const seats = root === undefined ? turn.seats : [...turn.seats, { site: root, version: round }]
    if (!versions.includes(round)) versions.push(round)
    const tasks = seats.map(
      ({ site, version }): SiteTask => ({
        site,
        state: versions.indexOf(version),
        staleness: round - version,
        group: site === root ? undefined : groupOf(site),
        memory: this.#memories.get(site) ?? [],
      }),
    )
    const states = versions.flatMap((version) => this.#states.get(version) ?? [])
    return { round, request, states, sites: tasks, next: new Int32Array(new SharedArrayBuffer(4)) }
  }

  /** Of each name the last two rounds, as a site would keep them. */
  #keep(parts: readonly RoundPart[]): void {
    for (const { site, kept } of parts.flatMap((part) => part.kept)) {
      const before = (this.#memories.get(site) ?? []).filter(
        ({ name, round }) => name !== kept.name || round < kept.round,
      )
      const older = before.filter(({ name }) => name === kept.name).slice(0, -1)
      this.#memories.set(site, [...before.filter((each) => !older.includes(each)), kept])
    }
  }

  #cheated(own: readonly SiteLanes[], request: SumRequest, round: number): readonly SiteLanes[] {
    const { cheats, cheat } = this.interventionIn(request)
    if (cheats === undefined || cheat === undefined) return own
    return [
      ...own.filter(({ site }) => !cheats.has(site)),
      ...cheat(
        own.filter(({ site }) => cheats.has(site)),
        request,
        round,
      ),
    ]
  }
}

/** The groups' sums added up. */
export function totalOf(groups: readonly GroupSum[], request: SumRequest): Lanes {
  if (groups.length === 1) return groups[0].lanes
  const lanes = request.lanes.map(({ name, length }): [string, Float64Array] => {
    const total = new Float64Array(length)
    for (const group of groups) for (let i = 0; i < length; i++) total[i] += group.lanes[name][i]
    return [name, total]
  })
  return Object.fromEntries(lanes)
}

const hashOf = (bytes: Uint8Array): string => toHex(new Uint8Array(createHash('sha256').update(bytes).digest()))
