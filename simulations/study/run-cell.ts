/** One cell of a study with one seed: its sites, its run, and what came of it, held against training alone and pooled. */

import type { RunEvent } from '../../coordinator/events.ts'
import { judgeModel } from '../../learning/algorithms/baselines.ts'
import { type Report, readEvaluation } from '../../learning/algorithms/evaluation.ts'
import { algorithms } from '../../learning/algorithms/index.ts'
import { type ModelFile, parseModel } from '../../learning/algorithms/model-file.ts'
import { computationOf } from '../../learning/computation.ts'
import { sliceTable } from '../../learning/data/table.ts'
import { chooseTrainer } from '../../learning/engine/choose.ts'
import { toHex } from '../../protocol/bytes.ts'
import { InputError } from '../../protocol/errors.ts'
import { type Plan, planHash } from '../../protocol/plan.ts'
import { rdpEpsilon } from '../../protocol/privacy/accountants/rdp.ts'
import { usualSites } from '../../protocol/sampling.ts'
import { thresholdsOf } from '../../protocol/secagg/thresholds.ts'
import { Stream } from '../../protocol/stream.ts'
import { cheatWith } from '../attacks/attack.ts'
import { attacks } from '../attacks/index.ts'
import { defended } from '../defences/defence.ts'
import { defences } from '../defences/index.ts'
import { fateOf } from '../faults/fate.ts'
import { faults } from '../faults/index.ts'
import { choose } from '../menu.ts'
import { figures, headline } from '../outcome.ts'
import { type Conducted, conduct, type Intervention } from '../runner/conduct.ts'
import type { Pool } from '../runner/pool.ts'
import { asynchronous, oneByOne, type Schedule, synchronous } from '../runner/schedule.ts'
import type { Setting } from '../runner/tasks.ts'
import { Scores, worthOfReport } from '../scores.ts'
import { attackOutcome } from './attack-outcome.ts'
import type { Cell } from './cells.ts'
import { parametersOfPlan } from './memory.ts'
import type { Peopled } from './population.ts'
import type { CellResult, RoundLine, SiteResult } from './results.ts'
import { withoutKeys } from './settings.ts'

export interface CellRun {
  readonly pool: Pool
  readonly engine?: Setting['engine']
  readonly report: (event: RunEvent) => void
}

/** Sites that are also trained alone where a study does not say. */
const usuallyAlone = 20
/** Chance that the stated epsilon does not hold. */
export const delta = 1e-5

/** @throws InputError, ProtocolError */
export async function runCell(
  cell: Cell,
  { population, cheats }: Peopled,
  { pool, engine, report }: CellRun,
): Promise<CellResult> {
  const { plan, settings } = cell
  const began = performance.now()
  const setting: Setting = { plan, population, engine }
  const sites = population.sites.length
  const rounds: RoundLine[] = []
  const { intervention, measured } = intervene(cell, setting, cheats)
  const run = await conduct(setting, {
    pool,
    schedule: scheduleOf(cell, setting),
    intervention,
    report: (event) => {
      if (event.type === 'round') rounds.push(roundLine(event))
      report(event)
    },
  })
  const model = plan.model === undefined ? undefined : parseModel(resultOf(setting, run))
  const judged =
    model === undefined || plan.evaluation.holdout === 0 ? undefined : await judge(cell, setting, { run, model, pool })
  const { name } = plan.algorithm
  return {
    label: cell.label,
    seed: plan.seed,
    plan: toHex(planHash(plan)),
    modelHash: run.stateHash,
    algorithm: name,
    sites,
    rounds,
    ...(model === undefined ? { table: resultOf(setting, run) } : { parameters: parametersOfPlan(plan) }),
    ...judged,
    ...(judged ? { own: ownResults(setting, run) } : {}),
    cost: { bytesUp: run.bytesUp, bytesDown: run.bytesDown, seconds: run.seconds ?? 0, clock: settings.clock },
    ...(settings.attack && model
      ? { attack: { ...(await attackOutcome(cell, setting, model)), cheats: cheats.length } }
      : {}),
    ...measured(),
    ...epsilonOf(plan, run),
    wall: (performance.now() - began) / 1000,
  }
}

const resultOf = ({ plan, population }: Setting, { state }: Conducted): unknown =>
  computationOf(plan, population.sites.length, { simulated: true }).algorithm.result(state)

function roundLine(event: Extract<RunEvent, { type: 'round' }>): RoundLine {
  const { round, purpose, metrics, seconds, bytesUp, sites, absent } = event
  const reasons: Record<string, number> = {}
  for (const { code } of absent) reasons[code] = (reasons[code] ?? 0) + 1
  return { round, purpose, metrics, seconds, bytesUp, sites: sites.length, absent: reasons }
}

function scheduleOf({ plan, settings }: Cell, { population }: Setting): Schedule {
  const sites = population.sites.length
  const { seed, evaluation } = plan
  const epochs = Number(plan.algorithm.localEpochs ?? 1)
  const fate = fateOf({
    clock: settings.clock,
    faults: settings.faults.map((fault, i) => choose(faults, fault, `simulation.faults.${i}`)),
    seed,
    rows: (site) => {
      const [start, end] = population.sites[site].rows
      return epochs * (end - start) * (1 - evaluation.holdout)
    },
  })
  const { sampling } = plan
  const cohort = sampling === undefined ? sites : usualSites(sampling, sites)
  const needed = cohort < 3 ? 1 : thresholdsOf(cohort, plan.quorum).minimum
  const everyone = synchronous({ sites, sampling, needed, seed, fate })
  if (algorithms[plan.algorithm.name].order === 'one-by-one') return oneByOne(sites, everyone)
  if (settings.asynchronous === undefined) return everyone
  return asynchronous({ sites, ...settings.asynchronous, seed, fate, everyone })
}

/** What a study does to the rounds, and what it then has to say of it. */
function intervene(
  { plan, settings }: Cell,
  setting: Setting,
  cheats: readonly number[],
): { readonly intervention: Intervention; readonly measured: () => Pick<CellResult, 'defence' | 'scores'> } {
  const { attack, defence, scores } = settings
  const { sites, common } = setting.population
  const made = attack && choose(attacks, withoutKeys(attack, ['cheats']), 'simulation.attack')
  const shield = defence && choose(defences, withoutKeys(defence, ['on', 'groups', 'root']), 'simulation.defence')
  const scored = scores && new Scores(sites.length, scores, plan.seed)
  const groups = defence ? (defence.on === 'groups' ? defence.groups : 'each') : scores && (scores.groups ?? 'each')
  let seconds = 0
  const worth = common && worthOn(setting)
  return {
    intervention: {
      ...(groups === undefined ? {} : { groupsOf: (own, round) => grouped(own, groups, plan, round) }),
      ...(made?.exchange && cheats.length > 0
        ? {
            cheats: new Set(cheats),
            cheat: (honest, request, round) => {
              const inRound = plan.sampling === undefined ? sites.length : usualSites(plan.sampling, sites.length)
              const stream = new Stream(`${plan.seed}/attack/${round}`)
              return cheatWith(made, honest, { request, round, sites: inRound, stream })
            },
          }
        : {}),
      ...(shield?.needsRoot && common ? { root: sites.length } : {}),
      ...(shield
        ? {
            combine: (sums, root, request) => {
              const began = performance.now()
              const merged = defended(shield, sums, { root, request })
              seconds += (performance.now() - began) / 1000
              return merged
            },
          }
        : {}),
      ...(scored && worth
        ? { watch: (step) => scored.watch(step, (sum, survivors) => worth({ ...step, sum, survivors })) }
        : {}),
    },
    measured: () => ({
      ...(defence
        ? { defence: { name: defence.name, on: defence.on, groups: groups === 'each' ? 0 : defence.groups, seconds } }
        : {}),
      ...(scored
        ? { scores: scored.result().map(({ site, ...score }) => ({ site: sites[site].name, ...score })) }
        : {}),
    }),
  }
}

/** A round's sites in groups by a public draw, or each for itself. */
function grouped(
  sites: readonly number[],
  groups: number | 'each',
  { seed }: Plan,
  round: number,
): readonly (readonly number[])[] {
  if (groups === 'each') return sites.map((site) => [site])
  const order = new Stream(`${seed}/groups/${round}`).permutation(sites.length)
  const members = Array.from({ length: Math.min(groups, sites.length) }, (): number[] => [])
  for (const [i, at] of order.entries()) members[i % members.length].push(sites[at])
  return members
}

/** What a sum is worth on the rows that were agreed upon: minus the loss of the model it leads to. */
function worthOn(setting: Setting) {
  const { plan, population } = setting
  const { common, table } = population
  if (common === undefined) throw new Error('nothing to judge by')
  const { algorithm } = computationOf(plan, population.sites.length, { simulated: true })
  const site = { name: 'common', table: sliceTable(table, ...common.rows), trainer: chooseTrainer() }
  return async ({
    state,
    request,
    sum,
    survivors,
  }: {
    readonly state: unknown
    readonly request: Parameters<typeof algorithm.apply>[1]
    readonly sum: Parameters<typeof algorithm.apply>[2]
    readonly survivors: number
  }): Promise<number> => {
    const next = algorithm.apply(state, request, sum, survivors)
    return worthOfReport(await judgeModel(parseModel(algorithm.result(next)), plan, site))
  }
}

interface Judging {
  readonly run: Conducted
  readonly model: ModelFile
  readonly pool: Pool
}

async function judge(
  { plan, settings }: Cell,
  setting: Setting,
  { run, model, pool }: Judging,
): Promise<Pick<CellResult, 'federated' | 'pooled' | 'alone'>> {
  const { sites } = setting.population
  const { alone: asked = sites.length <= usuallyAlone ? 'all' : 0, pooled: wanted } = settings.compare
  const alone = sites.slice(0, asked === 'all' ? sites.length : asked)
  const federated = algorithms[plan.algorithm.name].personal ? ownTogether(setting, run) : await pool.judge({ model })
  const tasks = [...alone.map((_, i) => ({ sites: [i] })), ...(wanted ? [{ sites: sites.map((_, i) => i) }] : [])]
  const reports = (await pool.baselines(tasks)).map(figures)
  return {
    federated: figures(federated),
    alone: alone.map(({ name }, i) => ({ site: name, figures: reports[i] })),
    ...(wanted ? { pooled: reports[alone.length] } : {}),
  }
}

/** Every site's own model on its own held-out rows, summed as the last round sums. */
function ownTogether({ plan }: Setting, { evaluations }: Conducted): Report {
  const { label } = plan.data
  const sums: Record<string, Float64Array> = {}
  for (const { lanes } of evaluations) {
    for (const [name, values] of Object.entries(lanes)) {
      sums[name] ??= new Float64Array(values.length)
      for (let i = 0; i < values.length; i++) sums[name][i] += values[i]
    }
  }
  if (label === undefined || Object.keys(sums).length === 0) {
    throw new InputError(
      'ERR_PLAN',
      'too many sites for an evaluation of each; expected 2000 at most',
      'simulation.population.sites',
    )
  }
  return readEvaluation(label, sums)
}

/** How the model does at each site, on the rows it holds out. */
function ownResults({ plan, population }: Setting, { evaluations }: Conducted): readonly SiteResult[] {
  const { label } = plan.data
  if (label === undefined) return []
  return evaluations.map(({ site, lanes }) => {
    const sums = Object.fromEntries(Object.entries(lanes).map(([name, values]) => [name, Float64Array.from(values)]))
    const { name, rows } = population.sites[site]
    const own = figures(readEvaluation(label, sums))
    // A site that holds out one class, or nothing, has no figure.
    return { site: name, rows: rows[1] - rows[0], figures: Number.isFinite(headline(own).value) ? own : {} }
  })
}

/** The epsilon of all rounds, where every one of them was protected. */
function epsilonOf({ privacy }: Plan, { costs }: Conducted): Pick<CellResult, 'epsilon'> {
  const epsilon = rdpEpsilon(costs, typeof privacy.delta === 'number' ? privacy.delta : delta)
  return Number.isFinite(epsilon) && costs.length > 0 ? { epsilon } : {}
}
