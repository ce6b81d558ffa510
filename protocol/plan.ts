/** The plan: one file that says what all parties agree on, with canonical bytes and a hash. */

import { sha256 } from '@noble/hashes/sha2.js'
import { parse as parseYaml } from 'yaml'
import * as z from 'zod'
import { concat, toHex, utf8 } from './bytes.ts'
import { canonicalBytes } from './canonical.ts'
import { InputError } from './errors.ts'
import { endOfDay } from './moment.ts'
import { samplingSchema } from './sampling.ts'
import { dataSchema } from './schema.ts'

/** A part of the plan that names an implementation and carries its options. */
export interface Choice {
  readonly name: string
  readonly [option: string]: unknown
}

/** The options of every implementation by name, as the menus of the floors above give them. */
export interface PlanMenus {
  readonly algorithm: Readonly<Record<string, z.ZodType>>
  readonly model: Readonly<Record<string, z.ZodType>>
  readonly mechanism: Readonly<Record<string, z.ZodType>>
}

const choice = z.looseObject({ name: z.string() })

const planSchema = z.strictObject({
  /** The version of this format. */
  concordat: z.literal(1),
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'expected lower-case letters, digits and dashes, 63 at most'),
  description: z.string().max(10_000).default(''),
  algorithm: choice,
  model: choice.optional(),
  data: dataSchema,
  /** Training rounds; the rounds that gather statistics and evaluate come on top. */
  rounds: z.int().min(1).max(100_000).default(1),
  quorum: z
    .strictObject({
      /** Fewest sites whose sum may be revealed; never below the threshold that each client computes itself. */
      minimum: z.int().min(3).max(100_000).optional(),
      /** Sites assumed to collude with the coordinator; default a fifth of the roster. */
      colluding: z.int().min(0).max(100_000).optional(),
    })
    .prefault({}),
  /** Each training round asks only some sites, drawn anew from the plan's seed; statistics and evaluations ask all. */
  sampling: samplingSchema.optional(),
  encoding: z
    .strictObject({
      /** Bits of a coordinate of a model update on the wire; all else in a training round has 32, statistics 64. */
      bits: z.union([z.literal(16), z.literal(20), z.literal(24), z.literal(32)]).default(32),
      /** Strict: one signed message by which the sites agree on who is in the sum; fast: without it, and with fewer honest sites for sure. */
      mode: z.enum(['strict', 'fast']).default('strict'),
      /** Sites sum in groups of at most so many; by default all together up to 128, and in groups of 65 to 128 above. */
      group: z.int().min(3).max(128).optional(),
    })
    .prefault({}),
  privacy: choice.prefault({ name: 'none' }),
  evaluation: z
    .strictObject({
      /** Share of each site's rows that is held out of training. */
      holdout: z.number().min(0).max(0.9).default(0.2),
      /**
       * `people`: who is held out follows from a person's own values, whoever else is there, as noise for records or
       * patients needs and then always is; otherwise rows are shuffled.
       */
      split: z.enum(['rows', 'people']).optional(),
      /** Bins of the score histograms from which AUC and calibration are read. */
      bins: z.int().min(2).max(10_000).default(200),
    })
    .prefault({}),
  /** What a site agrees to when it joins: it signs the hash of this, and takes part until the last day. */
  study: z
    .strictObject({
      terms: z.string().min(1).max(100_000),
      /** The last day, UTC, on which a round may run. */
      expires: z.iso.date(),
      /** What the result is meant to be used for; stands in the model card. */
      intendedUse: z.string().max(10_000).default(''),
    })
    .optional(),
  /** Sites of the roster that this run leaves out: they decline, and no sum may name them. */
  without: z.array(z.string().min(1).max(63)).min(1).max(10_000).optional(),
  /** Who wrote the plan, with a signature over the rest of it (`authorBytes`), for sites that ask for one. */
  author: z
    .strictObject({
      name: z.string().min(1).max(200),
      identity: z.string().regex(/^[0-9a-f]{64}$/, 'expected an Ed25519 public key: 64 hexadecimal digits'),
      signature: z.string().regex(/^[0-9a-f]{128}$/, 'expected an Ed25519 signature: 128 hexadecimal digits'),
    })
    .optional(),
  /** What trains at the sites; left out, each takes the fastest it has. */
  engine: z
    .strictObject({
      use: z.enum(['auto', 'compiled', 'tfjs']).default('auto'),
      /** Relaxed SIMD is faster and may differ in last bits between processors. */
      relaxed: z.boolean().default(true),
    })
    .optional(),
  /** Seeds every reproducible choice: splits, shuffles, initial weights. */
  seed: z.int().min(0).default(1),
})

/** What a plan file may hold beside the section "simulation". */
export const planKeys: readonly string[] = Object.keys(planSchema.shape)

export type Plan = z.infer<typeof planSchema>

/** A plan file also holds, apart from the plan and its hash, how to simulate it on one machine. */
export interface PlanFile {
  readonly plan: Plan
  readonly simulation: unknown
}

/** Parses YAML or JSON text. @throws InputError ERR_PLAN_SYNTAX, ERR_PLAN: every fault with its path in the file. */
export function parsePlanFile(text: string, menus: PlanMenus): PlanFile {
  const { simulation, ...rest } = parseObject(text)
  return { plan: parsePlan(rest, menus), simulation }
}

/** Checks a plan object, fills its defaults, and checks each choice against its menu. */
export function parsePlan(value: unknown, menus: PlanMenus): Plan {
  const plan = check(planSchema, value, [])
  return {
    ...plan,
    algorithm: checkChoice(plan.algorithm, menus.algorithm, 'algorithm'),
    ...(plan.model === undefined ? {} : { model: checkChoice(plan.model, menus.model, 'model') }),
    privacy: checkChoice(plan.privacy, menus.mechanism, 'privacy'),
  }
}

/** The bytes all parties hash: RFC 8785 JSON of the plan with its defaults filled in. */
export const planBytes = (plan: Plan): Uint8Array => canonicalBytes(plan)

/** configHash of the protocol: SHA-256 over a label and the canonical bytes. */
export const planHash = (plan: Plan): Uint8Array => sha256(concat(utf8('fl-secagg/v1/config'), planBytes(plan)))

/** What an author signs: the plan without the author. */
export const authorBytes = ({ author: _, ...plan }: Plan): Uint8Array =>
  concat(utf8('concordat/v1/plan/author'), planBytes(plan))

/** What a site's consent is about: the plan, and the study's terms and end; of a plan without a study, that there is none. */
export const consentOf = (plan: Plan): { planHash: string; terms: string; expires: number } => ({
  planHash: toHex(planHash(plan)),
  terms: toHex(sha256(canonicalBytes(plan.study ?? null))),
  expires: plan.study === undefined ? 0 : endOfDay(plan.study.expires, { zone: 0 }),
})

function parseObject(text: string): Record<string, unknown> {
  let value: unknown
  try {
    value = parseYaml(text, { maxAliasCount: 20, logLevel: 'error' })
  } catch (error) {
    // Not its parse errors alone: an alias to nothing is a ReferenceError, nesting without end a RangeError.
    throw new InputError('ERR_PLAN_SYNTAX', `not YAML or JSON: ${String(error).split('\n')[0]}`)
  }
  return check(z.record(z.string(), z.unknown()), value, [])
}

function checkChoice(chosen: Choice, menu: Readonly<Record<string, z.ZodType>>, path: string): Choice {
  const { name, ...options } = chosen
  if (!Object.hasOwn(menu, name)) {
    const known = Object.keys(menu)
    throw new InputError(
      'ERR_PLAN',
      `expected one of ${known.join(', ')}; found "${name}"${suggestion(name, known)}`,
      `${path}.name`,
    )
  }
  return { name, ...check(z.looseObject({}), check(menu[name], options, [path]), [path]) }
}

/** Applies a schema; every fault becomes one line `path: expected …, found …`. */
export function check<T>(
  schema: z.ZodType<T>,
  value: unknown,
  path: readonly PropertyKey[],
  code: `ERR_${string}` = 'ERR_PLAN',
): T {
  const parsed = schema.safeParse(value, { reportInput: true })
  if (parsed.success) return parsed.data
  const faults = parsed.error.issues.map((issue) => describe(issue, path))
  throw new InputError(code, faults.join('\n'))
}

function describe(issue: z.core.$ZodIssue, path: readonly PropertyKey[]): string {
  const where = [...path, ...issue.path].map(String).join('.') || '(the whole file)'
  if (issue.code === 'unrecognized_keys')
    return `${where}: unknown key ${issue.keys.map((key) => `"${key}"`).join(', ')}`
  const found = issue.input === undefined ? 'nothing' : JSON.stringify(issue.input)
  return `${where}: ${issue.message.replace(/^Invalid (input|option): /, '').replace(/, received .*$/, '')}; found ${found.length > 100 ? `${found.slice(0, 100)}…` : found}`
}

/** The nearest known name, where one is near enough to be meant. */
export function suggestion(name: string, known: readonly string[]): string {
  const near = nearest(name, known)
  return near === undefined ? '' : `; did you mean "${near}"?`
}

/** Within three letters; `undefined` where none is. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const near = known
    .map((candidate) => ({ candidate, distance: editDistance(name, candidate) }))
    .sort((a, b) => a.distance - b.distance)[0]
  return near !== undefined && near.distance <= 3 ? near.candidate : undefined
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)))
    }
    row = next
  }
  return row[b.length]
}
