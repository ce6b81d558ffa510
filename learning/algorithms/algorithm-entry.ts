/** An entry of the menu of algorithms: the options a plan may give, and the algorithm they lead to. */

import type * as z from 'zod'
import type { Algorithm } from '../../protocol/algorithm.ts'
import type { Plan } from '../../protocol/plan.ts'
import type { Discipline } from '../../protocol/privacy/mechanism.ts'
import type { Site } from './site.ts'

export interface AlgorithmEntry {
  readonly options: z.ZodType
  /** Who is in a round, where that is not all of the plan's cohort at once; such an algorithm runs in a simulation only. */
  readonly order?: 'one-by-one'
  /** Whether a site judges and uses a model of its own rather than the global one. */
  readonly personal?: boolean
  /** Whether a step is on all rows of a site at once, so that they must fit into its memory. */
  readonly wholeTable?: boolean
  /**
   * `discipline` is what the plan's mechanism asks; absent without noise.
   * @throws InputError ERR_PLAN, ERR_MODEL_* where the plan's parts do not fit together.
   */
  create(plan: Plan, discipline?: Discipline): Algorithm<unknown, Site>
}

/** Binds the options' type to the algorithm, so that a menu can hold algorithms with different options and states. */
export function algorithmEntry<Options extends z.ZodType, State>(
  options: Options,
  create: (plan: Plan, options: z.infer<Options>, discipline: Discipline | undefined) => Algorithm<State, Site>,
): AlgorithmEntry {
  return {
    options,
    create(plan, discipline) {
      const { name: _, ...given } = plan.algorithm
      return create(plan, options.parse(given), discipline)
    },
  }
}
