/** The data schema of a plan: what every site's table must hold, column by column. */

import * as z from 'zod'

const name = z.string().min(1).max(200)
export const codes = z.array(z.string().max(200)).max(100)
const unit = z.string().min(1).max(40)
const range = z
  .tuple([z.number(), z.number()])
  .refine(([low, high]) => low < high, { message: 'expected [smallest, largest] with smallest < largest' })

/** Where most values lie, from common knowledge and not from anybody's records: features are scaled by it under noise. */
const usual = range.optional()

const numberColumn = z.strictObject({
  name,
  type: z.literal('number'),
  /** A unit from `learning/data/units.ts`; a site that records another unit of the same dimension is converted. */
  unit: unit.optional(),
  /** Smallest and largest plausible value, in the plan's unit: fixes what one record can add to a sum. */
  range,
  usual,
  integer: z.boolean().default(false),
  /** Codes that mean "missing" in this column, beside the plan's own; codes that are numbers match as numbers. */
  missing: codes.default([]),
})

const categoryColumn = z.strictObject({
  name,
  type: z.literal('category'),
  /** Every code that may occur; a code that is a number matches as a number too (`1.0` is `1`). */
  categories: z
    .array(z.string().min(1).max(200))
    .min(2)
    .max(1000)
    .refine((all) => new Set(all).size === all.length, { message: 'expected distinct categories' }),
  missing: codes.default([]),
})

/** A picture of a fixed size, a byte a pixel and channel; a source brings its own pictures to this size. */
const imageColumn = z.strictObject({
  name,
  type: z.literal('image'),
  height: z.int().min(1).max(4096),
  width: z.int().min(1).max(4096),
  /** 1 for grey, 3 for red, green and blue. */
  channels: z.union([z.literal(1), z.literal(3)]).default(1),
})

/** A column that is read past: present in a file without a header, or not wanted. */
const ignoredColumn = z.strictObject({ name, type: z.literal('ignore') })

export const columnSchema = z.discriminatedUnion('type', [numberColumn, categoryColumn, imageColumn, ignoredColumn])

/** The label's column stands apart from the columns; a row whose label holds a missing code is left out and counted. */
const binaryLabel = z.strictObject({
  column: name,
  type: z.literal('binary'),
  /** The codes of the positive class. */
  positive: codes.min(1),
  /** The codes of the negative class. */
  negative: codes.min(1),
  missing: codes.default([]),
})

const classLabel = z.strictObject({
  column: name,
  type: z.literal('class'),
  classes: z
    .array(z.string().min(1).max(200))
    .min(2)
    .max(1000)
    .refine((all) => new Set(all).size === all.length, { message: 'expected distinct classes' }),
  missing: codes.default([]),
})

const numberLabel = z.strictObject({
  column: name,
  type: z.literal('number'),
  unit: unit.optional(),
  range,
  usual,
  missing: codes.default([]),
})

export const labelSchema = z.discriminatedUnion('type', [binaryLabel, classLabel, numberLabel])

export const formatSchema = z.strictObject({
  header: z.boolean().default(true),
  delimiter: z.enum([',', ';', '\t', '|', ' ']).default(','),
  /** The sign between whole and fraction in numbers. */
  decimal: z.enum(['.', ',']).default('.'),
  /** Names in the file's order, for a file without a header; otherwise the columns' order, then the label. */
  order: z.array(name).min(1).max(10_001).optional(),
})

/** The column that says whose row each is. Its values stay at the site. */
const patientKey = z.strictObject({
  column: name,
  /** Rows of one patient that count; further ones are left out. */
  rows: z.int().min(1).max(100_000).default(10),
})

export const dataSchema = z
  .strictObject({
    /** How the columns stand in a file; a site may say otherwise for its own file. */
    format: formatSchema.prefault({}),
    /** Codes that mean "missing" in any column. */
    missing: codes.default(['', '?', 'NA']),
    columns: z.array(columnSchema).min(1).max(10_000),
    label: labelSchema.optional(),
    patient: patientKey.optional(),
  })
  .superRefine((data, context) => {
    const complain = (path: PropertyKey[], message: string) => context.addIssue({ code: 'custom', path, message })
    const seen = new Set<string>(data.label ? [data.label.column] : [])
    for (const [i, column] of data.columns.entries()) {
      if (seen.has(column.name))
        complain(['columns', i, 'name'], `expected distinct names, "${column.name}" stands twice`)
      seen.add(column.name)
      const ambiguous = column.type === 'category' && shared(column.categories, [...data.missing, ...column.missing])
      if (ambiguous) complain(['columns', i, 'categories'], `expected no missing code, "${ambiguous}" is one`)
    }
    if (data.patient !== undefined && seen.has(data.patient.column)) {
      complain(
        ['patient', 'column'],
        `expected a column of its own, "${data.patient.column}" is a feature or the label`,
      )
    }
    if (data.patient !== undefined) seen.add(data.patient.column)
    for (const [i, wanted] of (data.format.order ?? []).entries()) {
      if (!seen.has(wanted)) complain(['format', 'order', i], `expected the name of a column, found "${wanted}"`)
    }
    const label = data.label
    if (label === undefined || label.type === 'number') return
    const labelCodes = label.type === 'class' ? label.classes : [...label.negative, ...label.positive]
    const twice = labelCodes.find((code, i) => labelCodes.indexOf(code) < i)
    if (twice !== undefined) complain(['label'], `expected distinct codes, "${twice}" stands twice`)
    const missing = shared(labelCodes, [...data.missing, ...label.missing])
    if (missing !== undefined) complain(['label'], `expected no missing code among the classes, "${missing}" is one`)
  })

const shared = (codes: readonly string[], others: readonly string[]): string | undefined =>
  codes.find((code) => others.includes(code))

export type Column = z.infer<typeof columnSchema>
export type NumberColumn = z.infer<typeof numberColumn>
export type CategoryColumn = z.infer<typeof categoryColumn>
export type ImageColumn = z.infer<typeof imageColumn>
export type Label = z.infer<typeof labelSchema>
export type PatientKey = z.infer<typeof patientKey>
export type DataSchema = z.infer<typeof dataSchema>
export type FileFormat = z.infer<typeof formatSchema>
