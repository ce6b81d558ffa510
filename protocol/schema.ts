/** The data schema of a plan: what every site's table must hold, column by column. */

import * as z from 'zod'

const name = z.string().min(1).max(200)
const codes = z.array(z.string().max(200)).max(100)

const numberColumn = z.strictObject({
  name,
  type: z.literal('number'),
  /** A unit from `learning/data/units.ts`; a site that records another unit of the same dimension is converted. */
  unit: z.string().min(1).max(40).optional(),
  /** Smallest and largest plausible value, in the plan's unit: fixes what one record can add to a sum. */
  range: z
    .tuple([z.number(), z.number()])
    .refine(([low, high]) => low < high, { message: 'expected [smallest, largest] with smallest < largest' }),
  integer: z.boolean().default(false),
  /** Codes that mean "missing" in this column, beside the plan's own. */
  missing: codes.default([]),
})

const categoryColumn = z.strictObject({
  name,
  type: z.literal('category'),
  /** Every code that may occur; codes that are numbers match as numbers (`1.0` is `1`). */
  categories: z
    .array(z.string().min(1).max(200))
    .min(2)
    .max(1000)
    .refine((all) => new Set(all).size === all.length, { message: 'expected distinct categories' }),
  missing: codes.default([]),
})

/** A column that is read past: present in a file without a header, or not wanted. */
const ignoredColumn = z.strictObject({ name, type: z.literal('ignore') })

export const columnSchema = z.discriminatedUnion('type', [numberColumn, categoryColumn, ignoredColumn])

const binaryLabel = z.strictObject({
  column: name,
  type: z.literal('binary'),
  /** The codes of the positive class; every other code in the label column is negative. */
  positive: codes.min(1),
  /** The codes of the negative class. */
  negative: codes.min(1),
})

const classLabel = z.strictObject({
  column: name,
  type: z.literal('class'),
  classes: z.array(z.string().min(1).max(200)).min(2).max(1000),
})

const numberLabel = z.strictObject({
  column: name,
  type: z.literal('number'),
  unit: z.string().min(1).max(40).optional(),
  range: z
    .tuple([z.number(), z.number()])
    .refine(([low, high]) => low < high, { message: 'expected [smallest, largest] with smallest < largest' }),
})

export const labelSchema = z.discriminatedUnion('type', [binaryLabel, classLabel, numberLabel])

export const dataSchema = z
  .strictObject({
    /** How the columns stand in a file; a site may say otherwise for its own file. */
    format: z
      .strictObject({
        /** Without a header the columns stand in the plan's order. */
        header: z.boolean().default(true),
        delimiter: z.enum([',', ';', '\t', '|', ' ']).default(','),
      })
      .prefault({}),
    /** Codes that mean "missing" in any column. */
    missing: codes.default(['', '?', 'NA']),
    columns: z.array(columnSchema).min(1).max(10_000),
    label: labelSchema.optional(),
  })
  .superRefine((data, context) => {
    const seen = new Set<string>(data.label ? [data.label.column] : [])
    for (const [i, column] of data.columns.entries()) {
      if (seen.has(column.name)) {
        context.addIssue({
          code: 'custom',
          path: ['columns', i, 'name'],
          message: `expected distinct names, "${column.name}" stands twice`,
        })
      }
      seen.add(column.name)
    }
  })

export type Column = z.infer<typeof columnSchema>
export type NumberColumn = z.infer<typeof numberColumn>
export type CategoryColumn = z.infer<typeof categoryColumn>
export type Label = z.infer<typeof labelSchema>
export type DataSchema = z.infer<typeof dataSchema>
