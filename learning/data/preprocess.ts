/** From columns to features: imputation, one-hot codes and standardisation by global statistics, the same at every site. */

import * as z from 'zod'
import { InputError } from '../../protocol/errors.ts'
import type { DataSchema, NumberColumn } from '../../protocol/schema.ts'
import type { Examples } from '../engine/trainer.ts'
import type { ColumnStatistics, Statistics } from './statistics.ts'
import { type ImageValues, imageColumns, imageSize, type MeasuredColumn, measuredColumns, type Table } from './table.ts'

export const preprocessingOptions = z.strictObject({
  /** `mean` fills a missing number with the mean; `mean+indicator` adds a feature that says it was missing. */
  numbers: z.enum(['mean', 'mean+indicator']).default('mean'),
  /** A missing category becomes zeros in all its features, or the most frequent category. */
  categories: z.enum(['zero', 'frequent']).default('zero'),
})

export type PreprocessingOptions = z.infer<typeof preprocessingOptions>

const numberStep = z.strictObject({
  type: z.literal('number'),
  name: z.string(),
  /** Fills what is missing, and is subtracted. */
  mean: z.number(),
  /** Divides; 1 where the column does not vary. */
  deviation: z.number().positive(),
  indicator: z.boolean(),
})

const categoryStep = z.strictObject({
  type: z.literal('category'),
  name: z.string(),
  categories: z.array(z.string()),
  /** The category that fills what is missing; absent for zeros. */
  fill: z.int().min(0).optional(),
})

const imageStep = z.strictObject({ name: z.string(), height: z.int(), width: z.int(), channels: z.int() })

/** Plain JSON: a part of the model file, so that `predict` prepares rows as training did. */
export const preprocessingSchema = z.strictObject({
  columns: z.array(z.discriminatedUnion('type', [numberStep, categoryStep])),
  /** Behind the columns' features: pixels divided by 255. */
  images: z.array(imageStep).optional(),
  /** Only for a number as label: the model predicts (label - mean) / deviation. */
  label: z.strictObject({ mean: z.number(), deviation: z.number().positive() }).optional(),
})

export type Preprocessing = z.infer<typeof preprocessingSchema>
type Step = Preprocessing['columns'][number]

/** How many features a row has: known from the schema alone, before any statistics. */
export const featureCount = (schema: DataSchema, options: PreprocessingOptions): number =>
  measuredColumns(schema).reduce((total, column) => total + width(column, options), 0) +
  imageColumns(schema).reduce((total, column) => total + imageSize(column), 0)

/** The preprocessing that global statistics lead to. */
export function preprocessing(
  schema: DataSchema,
  statistics: Statistics,
  options: PreprocessingOptions,
): Preprocessing {
  const columns = measuredColumns(schema).map((column, i) => step(column, statistics.columns[i], options))
  const label = statistics.label?.type === 'number' ? { label: scaleOf(statistics.label) } : {}
  return { columns, ...imagesOf(schema), ...label }
}

/** The same from the plan alone, so that it tells nothing of anybody: numbers by where they usually lie. */
export function publicPreprocessing(schema: DataSchema, options: PreprocessingOptions): Preprocessing {
  if (options.categories === 'frequent') {
    throw new InputError('ERR_PLAN', 'which is most frequent is not public: expected zero', 'algorithm.preprocessing')
  }
  const columns = measuredColumns(schema).map((column): Step => {
    const { name } = column
    if (column.type === 'category') return { type: 'category', name, categories: column.categories }
    return { type: 'number', name, ...usualScale(column), indicator: options.numbers === 'mean+indicator' }
  })
  const { label } = schema
  return { columns, ...imagesOf(schema), ...(label?.type === 'number' ? { label: usualScale(label) } : {}) }
}

function imagesOf(schema: DataSchema): Pick<Preprocessing, 'images'> {
  const images = imageColumns(schema).map(({ name, height, width, channels }) => ({ name, height, width, channels }))
  return images.length > 0 ? { images } : {}
}

/** Four deviations wide is what is usual; a range that is all there is to go by counts as evenly filled. */
function usualScale({ range, usual }: Pick<NumberColumn, 'range' | 'usual'>) {
  const [low, high] = usual ?? range
  return { mean: (low + high) / 2, deviation: (high - low) / (usual === undefined ? Math.sqrt(12) : 4) }
}

/** Names of the features in order: `age`, `thal missing`, `cp=4`. */
export function featureNames({ columns, images = [] }: Preprocessing): string[] {
  const measured = columns.flatMap((column) => {
    if (column.type === 'category') return column.categories.map((category) => `${column.name}=${category}`)
    return column.indicator ? [column.name, `${column.name} missing`] : [column.name]
  })
  const pixels = images.flatMap((image) => Array.from({ length: imageSize(image) }, (_, i) => `${image.name}[${i}]`))
  return [...measured, ...pixels]
}

/** Rows that are prepared together, so that the part of the result they fill stays near the processor. */
const rowsAtOnce = 1024

/** Rows ready for a model. A table without a label gives labels of 0. */
export function prepare(table: Table, { columns, images = [], label }: Preprocessing): Examples {
  const measured = columns.reduce((total, column) => total + stepWidth(column), 0)
  const features = images.reduce((total, image) => total + imageSize(image), measured)
  const x = new Float32Array(table.rows * features)
  for (let start = 0; start < table.rows; start += rowsAtOnce) {
    const rows = { features, start, end: Math.min(start + rowsAtOnce, table.rows) }
    let offset = 0
    for (const [i, column] of columns.entries()) {
      fill(x, { ...rows, offset }, column, table.columns[i])
      offset += stepWidth(column)
    }
    for (const image of table.images ?? []) {
      fillPixels(x, { ...rows, offset }, image)
      offset += imageSize(image)
    }
  }
  const y = table.label ?? new Float32Array(table.rows)
  return { rows: table.rows, features, x, y: label ? y.map((value) => (value - label.mean) / label.deviation) : y }
}

/** Outputs of a regression back in the label's unit; probabilities as they are. */
export const restoreOutputs = (outputs: Float32Array, { label }: Preprocessing): Float32Array =>
  label ? outputs.map((value) => value * label.deviation + label.mean) : outputs

function width(column: MeasuredColumn, options: PreprocessingOptions): number {
  if (column.type === 'category') return column.categories.length
  return options.numbers === 'mean+indicator' ? 2 : 1
}

function stepWidth(column: Step): number {
  if (column.type === 'category') return column.categories.length
  return column.indicator ? 2 : 1
}

function step(column: MeasuredColumn, statistics: ColumnStatistics, options: PreprocessingOptions): Step {
  const { name } = column
  if (column.type === 'number') {
    return { type: 'number', name, ...scaleOf(statistics), indicator: options.numbers === 'mean+indicator' }
  }
  const { categories } = column
  if (options.categories === 'zero' || statistics.type !== 'category') return { type: 'category', name, categories }
  return { type: 'category', name, categories, fill: statistics.counts.indexOf(Math.max(...statistics.counts)) }
}

/** A column that is empty everywhere, or constant, becomes zeros. */
function scaleOf(statistics: ColumnStatistics): { readonly mean: number; readonly deviation: number } {
  if (statistics.type !== 'number') throw new Error(`"${statistics.name}" has the statistics of a category`)
  const { mean = 0, variance = 0 } = statistics
  return { mean, deviation: Math.sqrt(variance) || 1 }
}

/** The rows of a table that are filled, and where a column's features begin in each of them. */
interface Target {
  readonly start: number
  readonly end: number
  readonly offset: number
  readonly features: number
}

function fill(x: Float32Array, at: Target, step: Step, column: Table['columns'][number]): void {
  let cell = at.start * at.features + at.offset
  if (step.type === 'number' && column.type === 'number') {
    const { mean, deviation, indicator } = step
    const { values } = column
    for (let row = at.start; row < at.end; row++) {
      const value = values[row]
      const missing = Number.isNaN(value)
      x[cell] = missing ? 0 : (value - mean) / deviation
      if (indicator) x[cell + 1] = missing ? 1 : 0
      cell += at.features
    }
  } else if (step.type === 'category' && column.type === 'category') {
    const { codes } = column
    for (let row = at.start; row < at.end; row++) {
      const code = codes[row]
      const index = code >= 0 ? code : step.fill
      if (index !== undefined) x[cell + index] = 1
      cell += at.features
    }
  } else {
    throw new Error(`"${step.name}" is a ${step.type} in the preprocessing and a ${column.type} in the table`)
  }
}

function fillPixels(x: Float32Array, at: Target, image: ImageValues): void {
  const size = imageSize(image)
  for (let row = at.start; row < at.end; row++) {
    const cell = row * at.features + at.offset
    for (let i = 0; i < size; i++) x[cell + i] = image.pixels[row * size + i] / 255
  }
}
