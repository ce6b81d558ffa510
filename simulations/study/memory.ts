/** Whether a study fits into this machine's memory, told before its first round. */

import { totalmem } from 'node:os'
import { taskOf } from '../../learning/algorithms/task.ts'
import { preprocessingOptions } from '../../learning/data/preprocess.ts'
import { InputError } from '../../protocol/errors.ts'
import type { Plan } from '../../protocol/plan.ts'
import { usualSites } from '../../protocol/sampling.ts'
import { tableBytes } from '../runner/population.ts'
import type { Setting } from '../runner/tasks.ts'
import type { Cell } from './cells.ts'

/** Share of the machine's memory that a study may ask for. */
const memoryShare = 0.7

/** Numbers of the plan's model. */
export const parametersOfPlan = (plan: Plan): number =>
  taskOf(plan, preprocessingOptions.parse(plan.algorithm.preprocessing ?? {})).parameters

/** @throws InputError ERR_STUDY_MEMORY before the first round, with what takes how much. */
export function checkMemory({ plan, settings }: Cell, { population }: Setting, hands: number): void {
  if (plan.model === undefined) return
  const parameters = parametersOfPlan(plan)
  const { sites } = population
  const inRound = plan.sampling === undefined ? sites.length : usualSites(plan.sampling, sites.length)
  const each = settings.defence?.on === 'contributions' || (settings.scores && settings.scores.groups === undefined)
  const groups =
    settings.defence || settings.scores
      ? each
        ? inRound
        : Math.max(settings.defence?.groups ?? 0, settings.scores?.groups ?? 0)
      : 1
  const keeps =
    { scaffold: 2, 'fed-dyn': 2, 'fed-rep': 2, 'fed-bn': 2, ditto: 2 }[plan.algorithm.name] ??
    (plan.algorithm.compression ? 2 : 0)
  const needs: readonly (readonly [string, number])[] = [
    ['the records', tableBytes(population.table)],
    ['prepared records in the threads', hands * 256 * 2 ** 20],
    ['models at work in the threads', hands * parameters * 64],
    [`sums of ${groups} groups`, groups * parameters * 16],
    [`what ${sites.length} sites keep for themselves`, keeps * sites.length * parameters * 4],
  ]
  const total = needs.reduce((sum, [, bytes]) => sum + bytes, 0)
  const room = memoryShare * totalmem()
  if (total <= room) return
  const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`
  const parts = needs.filter(([, bytes]) => bytes > room / 20).map(([what, bytes]) => `${what} ${gib(bytes)}`)
  const message = `expected to fit into ${gib(room)}, found ${gib(total)}: ${parts.join(', ')}`
  throw new InputError('ERR_STUDY_MEMORY', message, 'simulation')
}
