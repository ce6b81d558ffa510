/** The section "simulation" of a plan file: data, population, faults, attacks, comparisons and sweeps, checked before anything runs. */

import * as z from 'zod'
import { InputError } from '../../protocol/errors.ts'
import { check, type Plan } from '../../protocol/plan.ts'
import { usualSites } from '../../protocol/sampling.ts'
import { attacks } from '../attacks/index.ts'
import { datasets } from '../datasets/index.ts'
import { defences } from '../defences/index.ts'
import { clockSchema } from '../faults/fate.ts'
import { faults } from '../faults/index.ts'
import { choiceSchema, choose } from '../menu.ts'
import { scoresSchema } from '../scores.ts'
import { shifts } from '../shifts/index.ts'
import { splits } from '../splits/index.ts'

const siteSchema = z.strictObject({
  name: z.string().min(1),
  /** In the folder of data; its ending says of what kind it is. */
  file: z.string().min(1),
  /** The rows of the file that are this site's, from the first to before the second; all without it. */
  rows: z.tuple([z.int().min(0), z.int().min(1)]).optional(),
})

const populationSchema = z.strictObject({
  /** Virtual sites; left out where the split knows. */
  sites: z.int().min(3).max(10_000).optional(),
  split: choiceSchema,
  shifts: z.array(choiceSchema).max(20).default([]),
})

const attackSchema = z.looseObject({
  name: z.string(),
  /** Share of the sites that cheat, the first ones of a draw from the seed. */
  cheats: z.number().min(0).max(0.9).default(0.2),
})

const defenceSchema = z.looseObject({
  name: z.string(),
  /** Single contributions, which the coordinator then sees, or sums of groups, which it sees anyway in a grouped secure sum. */
  on: z.enum(['contributions', 'groups']).default('contributions'),
  groups: z.int().min(3).max(1000).default(10),
  /** Rows that the coordinator has itself, for a defence that needs them. */
  root: z.int().min(1).max(1_000_000).default(100),
})

export const simulationSchema = z.strictObject({
  /** A built-in data set, used where no folder of data is given; `records` over all its sites. */
  dataset: z.enum(Object.keys(datasets)).optional(),
  records: z.int().min(10).max(10_000_000).optional(),
  /** One file each in the folder of data. */
  sites: z.array(siteSchema).min(1).max(10_000).optional(),
  /** One file in the folder of data for a population to split. */
  file: z.string().min(1).optional(),
  population: populationSchema.optional(),
  seeds: z.array(z.int().min(0)).min(1).max(1000).optional(),
  clock: clockSchema.prefault({}),
  faults: z.array(choiceSchema).max(20).default([]),
  attack: attackSchema.optional(),
  defence: defenceSchema.optional(),
  /** For algorithms that need not wait: sites at work at any time, and updates that make a step. */
  asynchronous: z
    .strictObject({ concurrency: z.int().min(1).max(10_000), buffer: z.int().min(1).max(10_000) })
    .optional(),
  scores: scoresSchema
    .extend({
      /** Share of all records that is set aside, and agreed upon, to judge by. */
      validation: z.number().min(0.01).max(0.5).default(0.1),
      /** Sites in groups of one each, or so many groups. */
      groups: z.int().min(2).max(100).optional(),
    })
    .optional(),
  /** What the federation is held against. */
  compare: z
    .strictObject({
      /** Sites that are also trained alone: all, or the first so many. */
      alone: z.union([z.literal('all'), z.int().min(0).max(10_000)]).optional(),
      pooled: z.boolean().default(true),
    })
    .prefault({}),
  /** Variants of the study by name, each a list of changes `path: value`. */
  variants: z.record(z.string().min(1).max(60), z.record(z.string(), z.unknown())).optional(),
  /** Lists of values by path; every combination is a cell. */
  sweep: z.record(z.string(), z.array(z.unknown()).min(1).max(100)).optional(),
})

export type StudySettings = z.infer<typeof simulationSchema>

/** Keys of the section that change what a file means, not what one run of it does. */
export const gridKeys = ['variants', 'sweep', 'seeds'] as const

/** @throws InputError ERR_PLAN where the section does not hold. */
export const settingsOf = (simulation: unknown): StudySettings =>
  check(simulationSchema, simulation ?? {}, ['simulation'])

/** What the section asks for must fit together and to the plan. @throws InputError ERR_PLAN with the path */
export function checkSettings(plan: Plan, settings: StudySettings): void {
  const { population, attack, defence, asynchronous, scores } = settings
  if (population) choose(splits, population.split, 'simulation.population.split')
  for (const [i, shift] of (population?.shifts ?? []).entries())
    choose(shifts, shift, `simulation.population.shifts.${i}`)
  for (const [i, fault] of settings.faults.entries()) choose(faults, fault, `simulation.faults.${i}`)
  if (attack) choose(attacks, withoutKeys(attack, ['cheats']), 'simulation.attack')
  if (defence) choose(defences, withoutKeys(defence, ['on', 'groups', 'root']), 'simulation.defence')
  const refuse = (message: string, where: string): never => {
    throw new InputError('ERR_PLAN', message, where)
  }
  if (settings.records !== undefined && settings.dataset === undefined) {
    refuse('the number of records is that of a built-in data set; name one in simulation.dataset', 'simulation.records')
  }
  if (settings.file !== undefined && population === undefined) {
    refuse('one file needs a population to split it into sites', 'simulation.population')
  }
  const needsAveraging = attack ?? defence ?? scores
  if (needsAveraging && plan.algorithm.name === 'statistics') {
    refuse('attacks, defences and scores are about model updates; expected a training algorithm', 'algorithm.name')
  }
  if (defence && plan.privacy.name !== 'none' && plan.privacy.name !== 'clip') {
    refuse('a defence looks at sums without noise; expected privacy "none" or "clip"', 'simulation.defence')
  }
  const { compression } = plan.algorithm
  if (compression !== undefined && defence?.name === 'centred-clipping') {
    refuse('it compares rounds, and compression sums other coordinates in each', 'simulation.defence.name')
  }
  if (asynchronous && (attack || defence || scores)) {
    refuse('attacks, defences and scores need rounds in which sites wait for each other', 'simulation.asynchronous')
  }
  if (asynchronous && plan.sampling) {
    refuse('asynchronous sites are not sampled; "concurrency" says how many work at a time', 'sampling')
  }
}

/** What must fit once the number of sites is known. @throws InputError ERR_PLAN */
export function checkSizes(plan: Plan, { asynchronous, defence }: StudySettings, sites: number): void {
  const refuse = (message: string, where: string): never => {
    throw new InputError('ERR_PLAN', message, where)
  }
  const sampled = plan.sampling && usualSites(plan.sampling, sites)
  if (sampled !== undefined && sampled > sites) refuse(`${sampled} of ${sites} sites cannot be drawn`, 'sampling.sites')
  if (asynchronous && asynchronous.concurrency > sites) {
    refuse(`${asynchronous.concurrency} of ${sites} sites cannot work at a time`, 'simulation.asynchronous.concurrency')
  }
  if (asynchronous && asynchronous.buffer > asynchronous.concurrency) {
    refuse('more updates make a step than sites are at work', 'simulation.asynchronous.buffer')
  }
  if (defence?.on === 'groups' && defence.groups > (sampled ?? sites)) {
    refuse(`${sampled ?? sites} sites of a round do not make ${defence.groups} groups`, 'simulation.defence.groups')
  }
}

export const withoutKeys = (
  { name, ...rest }: { readonly name: string; readonly [key: string]: unknown },
  keys: readonly string[],
) => ({ name, ...Object.fromEntries(Object.entries(rest).filter(([key]) => !keys.includes(key))) })
