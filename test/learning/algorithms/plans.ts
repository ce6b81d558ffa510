/** Plans and sites for the tests of algorithms: a label that follows one rule at sites of different size and mix. */

import * as z from 'zod'
import { algorithms } from '../../../learning/algorithms/index.ts'
import type { Site } from '../../../learning/algorithms/site.ts'
import { models } from '../../../learning/models/index.ts'
import { type Plan, type PlanMenus, parsePlan } from '../../../protocol/plan.ts'
import { Stream } from '../../../protocol/stream.ts'
import { plainTrainer } from '../../support/plain-trainer.ts'
import { type Record4, schema, tableOf } from '../data/tables.ts'

const optionsOf = (menu: Readonly<Record<string, { readonly options: z.ZodType }>>) =>
  Object.fromEntries(Object.entries(menu).map(([name, { options }]) => [name, options]))

export const menus: PlanMenus = {
  algorithm: optionsOf(algorithms),
  model: optionsOf(models),
  mechanism: { none: z.strictObject({}) },
}

/** A plan on the tests' schema; `change` overrides its parts. */
export const planOf = (algorithm: Record<string, unknown>, change: Record<string, unknown> = {}): Plan =>
  parsePlan({ concordat: 1, name: 'test', algorithm, model: { name: 'logistic' }, data: schema, ...change }, menus)

/** Positive more often the larger `a` is and where `k` is `x`; the sites differ in both. */
export function siteOf(name: string, rows: number, shift: number): Site {
  const stream = new Stream(`test/${name}`)
  const records = Array.from({ length: rows }, (): Record4 => {
    const a = Math.max(-10, Math.min(30, 10 + shift + 5 * stream.normal()))
    const k = stream.below(4) - 1
    const logit = (a - 10) / 3 + (k === 0 ? 1 : 0)
    const label = stream.uniform() < 1 / (1 + Math.exp(-logit)) ? 1 : 0
    return [stream.uniform() < 0.1 ? Number.NaN : a, k, 500 + 100 * stream.normal(), label]
  })
  return { name, table: tableOf(records), trainer: plainTrainer }
}

export const threeSites: readonly Site[] = [siteOf('north', 80, -3), siteOf('south', 40, 0), siteOf('west', 9, 3)]
