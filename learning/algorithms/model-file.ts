/** The model file: everything `concordat predict` needs, as plain JSON: schema, preprocessing, layers and parameters. */

import * as z from 'zod'
import { fromBase64, toBase64 } from '../../protocol/base64.ts'
import { toHex } from '../../protocol/bytes.ts'
import { InputError } from '../../protocol/errors.ts'
import { check, type Plan, planHash } from '../../protocol/plan.ts'
import { claimSchema } from '../../protocol/privacy/promise.ts'
import { dataSchema } from '../../protocol/schema.ts'
import { featureNames, type Preprocessing, prepare, preprocessingSchema, restoreOutputs } from '../data/preprocess.ts'
import type { Table } from '../data/table.ts'
import type { TrainerFactory } from '../engine/trainer.ts'
import type { ModelDescription } from '../models/description.ts'
import { modelDescriptionSchema } from '../models/description-schema.ts'
import { parameterCount } from '../models/initial.ts'
import type { Report } from './evaluation.ts'

const modelFileSchema = z.strictObject({
  concordat: z.literal(1),
  kind: z.literal('model'),
  plan: z.strictObject({ name: z.string(), hash: z.string() }),
  data: dataSchema,
  preprocessing: preprocessingSchema,
  /** Names of the inputs, in order. */
  features: z.array(z.string()),
  model: modelDescriptionSchema,
  /** Little-endian float32 in base64, flat, in layer order, kernels before biases. */
  parameters: z.string(),
  trainingRows: z.number(),
  /** Of the held-out rows of all sites. */
  metrics: z.unknown().optional(),
  /** What noise the training had, and what it promises; absent without noise. */
  privacy: claimSchema.optional(),
})

export type ModelFile = z.infer<typeof modelFileSchema>

export interface TrainedModel {
  readonly plan: Plan
  readonly model: ModelDescription
  readonly preprocessing: Preprocessing
  readonly parameters: Float32Array
  readonly trainingRows: number
  readonly metrics: Report | undefined
}

export function writeModel(trained: TrainedModel): ModelFile {
  const { plan, model, preprocessing, parameters, trainingRows, metrics } = trained
  return {
    concordat: 1,
    kind: 'model',
    plan: { name: plan.name, hash: toHex(planHash(plan)) },
    data: plan.data,
    preprocessing,
    features: featureNames(preprocessing),
    model,
    parameters: toBase64(float32Bytes(parameters)),
    trainingRows,
    ...(metrics ? { metrics } : {}),
  }
}

/** Parses the text of a model file. @throws InputError ERR_MODEL_FILE */
export function parseModelFile(text: string): ModelFile {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new InputError('ERR_MODEL_FILE', 'expected the JSON of a model file')
  }
  return parseModel(value)
}

/** Checks a model file's value, its number of parameters too unless they are still to come. @throws InputError ERR_MODEL_FILE */
export function parseModel(value: unknown, parameters: 'whole' | 'without parameters' = 'whole'): ModelFile {
  const file = check(modelFileSchema, value, [], 'ERR_MODEL_FILE')
  if (parameters === 'whole') parametersOf(file)
  return file
}

/** Outputs for every row of a table: probabilities (one a class), or numbers in the label's unit. */
export async function predict(file: ModelFile, table: Table, factory: TrainerFactory): Promise<Float32Array> {
  const model = await openModel(file, factory)
  try {
    return await model.predict(table)
  } finally {
    model.dispose()
  }
}

export interface OpenModel {
  /** As `predict` does, for one table after the other. */
  predict(table: Table): Promise<Float32Array>
  dispose(): void
}

/** A model ready for rows that come block by block; whoever opens it disposes it. */
export async function openModel(file: ModelFile, factory: TrainerFactory): Promise<OpenModel> {
  const trainer = await factory(file.model)
  const parameters = parametersOf(file)
  return {
    predict: async (table) => {
      const { x, rows } = prepare(table, file.preprocessing)
      return restoreOutputs(await trainer.predict(parameters, x, rows), file.preprocessing)
    },
    dispose: () => trainer.dispose(),
  }
}

/** What each output of a row is: a probability of the positive class, one a class, or the label's number. */
export function outputColumns({ data: { label } }: ModelFile): readonly string[] {
  if (label?.type === 'class') return label.classes.map((name) => `probability of ${name}`)
  return [label?.type === 'binary' ? `probability of ${label.column}` : (label?.column ?? 'prediction')]
}

/** The model's numbers. @throws InputError ERR_MODEL_FILE where their count does not fit the layers. */
export function parametersOf(file: ModelFile): Float32Array {
  const bytes = fromBase64(file.parameters)
  const expected = parameterCount(file.model)
  if (bytes.length !== 4 * expected) {
    const found = `found ${bytes.length} bytes`
    throw new InputError('ERR_MODEL_FILE', `expected ${expected} parameters of 4 bytes, ${found}`, 'parameters')
  }
  return float32s(bytes)
}

/** Numbers from little-endian bytes, a multiple of four. */
export function float32s(bytes: Uint8Array): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return Float32Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(4 * i, true))
}

export function float32Bytes(values: Float32Array): Uint8Array {
  const bytes = new Uint8Array(4 * values.length)
  const view = new DataView(bytes.buffer)
  for (let i = 0; i < values.length; i++) view.setFloat32(4 * i, values[i], true)
  return bytes
}
