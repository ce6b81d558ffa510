import * as tf from '@tensorflow/tfjs'
import fc from 'fast-check'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { describe, expect, test } from 'vitest'
import {
  type ModelFile,
  parametersOf,
  parseModel,
  predict,
  writeModel,
} from '../../../learning/algorithms/model-file.ts'
import { planMenus } from '../../../learning/computation.ts'
import { type Preprocessing, prepare, preprocessing } from '../../../learning/data/preprocess.ts'
import { readStatistics, sumTable } from '../../../learning/data/statistics.ts'
import type { Table } from '../../../learning/data/table.ts'
import { chooseTrainer } from '../../../learning/engine/choose.ts'
import type { ModelPart } from '../../../learning/interchange/format.ts'
import { formats } from '../../../learning/interchange/index.ts'
import type { Layer, ModelDescription } from '../../../learning/models/description.ts'
import { initialParameters } from '../../../learning/models/initial.ts'
import { InputError } from '../../../protocol/errors.ts'
import { parsePlan } from '../../../protocol/plan.ts'
import type { Label } from '../../../protocol/schema.ts'
import { Stream } from '../../../protocol/stream.ts'

const trainer = chooseTrainer()

const labels: Readonly<Record<ModelDescription['loss'], Label>> = {
  'binary-cross-entropy': { column: 'y', type: 'binary', positive: ['1'], negative: ['0'], missing: [] },
  'cross-entropy': { column: 'y', type: 'class', classes: ['a', 'b', 'c'], missing: [] },
  'mean-squared-error': { column: 'y', type: 'number', range: [0, 1000], missing: [] },
}
const outputs = { 'binary-cross-entropy': 1, 'cross-entropy': 3, 'mean-squared-error': 1 } as const
type Loss = keyof typeof outputs

const columns = [
  { name: 'age', type: 'number', range: [0, 120] },
  { name: 'stage', type: 'category', categories: ['i', 'ii', 'iii'] },
  { name: 'dose', type: 'number', range: [-5, 5] },
]
const image = { name: 'scan', type: 'image', height: 7, width: 6, channels: 3 }

/** A model with chosen layers on a table of its own, its biases and scales stirred so that none is at its beginning. */
function modelOf(loss: Loss, layers: readonly Layer[], data: 'columns' | 'image', options: object = {}) {
  const rule = { numbers: 'mean+indicator', categories: 'frequent', ...options } as const
  const used = data === 'image' ? [image] : columns
  const plan = parsePlan(
    {
      ...{ concordat: 1, name: 'test', algorithm: { name: 'fed-avg' }, model: { name: 'logistic' } },
      data: { columns: used, label: labels[loss] },
    },
    planMenus,
  )
  const table = tableOf(data, plan.data)
  const steps = preprocessing(plan.data, readStatistics(plan.data, sumTable(table, 0), 0), rule)
  const head: Layer = { type: 'dense', units: outputs[loss], activation: 'linear' }
  const input = data === 'image' ? [7, 6, 3] : [prepare(table, steps).features]
  const model: ModelDescription = { input, layers: [...layers, head], loss }
  const stream = new Stream(`interchange/${loss}`)
  const parameters = initialParameters(model, stream).map((value) => value + 0.05 * stream.normal())
  return {
    file: writeModel({ plan, model, preprocessing: steps, parameters, trainingRows: 1, metrics: undefined }),
    table,
  }
}

function tableOf(data: 'columns' | 'image', schema: Table['schema']): Table {
  const stream = new Stream('rows')
  const rows = 9
  const label = Float32Array.from({ length: rows }, (_, i) => i % 2)
  if (data === 'image') {
    const pixels = Uint8Array.from({ length: rows * 7 * 6 * 3 }, () => stream.below(256))
    return { schema, rows, columns: [], images: [{ name: 'scan', height: 7, width: 6, channels: 3, pixels }], label }
  }
  const number = (scale: number) =>
    Float64Array.from({ length: rows }, () => (stream.below(4) === 0 ? Number.NaN : scale * stream.uniform()))
  const codes = Int32Array.from({ length: rows }, () => stream.below(4) - 1)
  return {
    ...{ schema, rows, label },
    columns: [
      { type: 'number', name: 'age', values: number(120) },
      { type: 'category', name: 'stage', categories: ['i', 'ii', 'iii'], codes },
      { type: 'number', name: 'dose', values: number(5) },
    ],
  }
}

const activations = ['linear', 'relu', 'leaky-relu', 'elu', 'softplus', 'sigmoid', 'tanh'] as const
const dense = (units: number, i = 1): Layer => ({ type: 'dense', units, activation: activations[i % 7] })
const conv = (change: object = {}): Layer => ({
  ...{ type: 'conv2d', filters: 4, kernel: [3, 2], stride: 1, padding: 'same', activation: 'relu' },
  ...change,
})
const flatten: Layer = { type: 'flatten' }

/** Layers by name, and on what data. */
const networks: Readonly<Record<string, readonly [readonly Layer[], 'columns' | 'image']>> = {
  'a linear model': [[], 'columns'],
  'every activation': [activations.map((_, i) => dense(5, i)), 'columns'],
  'batch norm': [[dense(8), { type: 'batchNorm' }, dense(4)], 'columns'],
  'layer norm and dropout': [[dense(8), { type: 'layerNorm' }, { type: 'dropout', rate: 0.5 }, dense(4)], 'columns'],
  'a convolution with zeros round the image, largest of windows': [
    [conv(), { type: 'maxPool2d', size: 2, stride: 2 }, flatten, dense(6)],
    'image',
  ],
  'batch norm on an image': [[conv(), { type: 'batchNorm' }, flatten, { type: 'batchNorm' }, dense(4)], 'image'],
  'strides, means of windows, layer norm on an image': [
    [
      conv({ stride: 2, activation: 'leaky-relu' }),
      { type: 'layerNorm' },
      conv({ padding: 'valid', kernel: [2, 2] }),
      { type: 'avgPool2d', size: 2, stride: 1 },
      flatten,
    ],
    'image',
  ],
}
const withGroups: readonly Layer[] = [conv(), { type: 'groupNorm', groups: 2 }, flatten, dense(3)]

const partsOf = (parts: readonly ModelPart[]) => async (name: string) => {
  const part = parts.find((each) => each.name === name)
  if (part === undefined) throw new Error(`no part ${name}`)
  return part.bytes
}

/** 1e-5 of the size of the numbers. */
function expectClose(found: ArrayLike<number>, expected: Float32Array): void {
  expect(found.length).toBe(expected.length)
  for (let i = 0; i < expected.length; i++) {
    expect(Math.abs(found[i] - expected[i])).toBeLessThanOrEqual(1e-5 * Math.max(1, Math.abs(expected[i])))
  }
}

/** The columns of a table as a person would hand them to a runtime. */
function feedsOf({ columns, images = [], rows }: Table): Record<string, Tensor> {
  const measured = columns.map((column): [string, Tensor] => {
    if (column.type === 'number') return [column.name, new Tensor('float64', column.values, [rows, 1])]
    const texts = [...column.codes].map((code) => (code < 0 ? '' : column.categories[code]))
    return [column.name, new Tensor('string', texts, [rows, 1])]
  })
  const pictures = images.map(({ name, height, width, channels, pixels }): [string, Tensor] => [
    name,
    new Tensor('uint8', pixels, [rows, height, width, channels]),
  ])
  return Object.fromEntries([...measured, ...pictures])
}

async function runOnnx(file: ModelFile, table: Table): Promise<Float32Array> {
  const [{ bytes }] = formats.onnx.write(file, 'model')
  const session = await InferenceSession.create(bytes)
  const { prediction } = await session.run(feedsOf(table))
  return Float32Array.from(prediction.data, Number)
}

async function runTfjs(file: ModelFile, table: Table): Promise<Float32Array> {
  const [main, weights] = formats.tfjs.write(file, 'model')
  const json = JSON.parse(Buffer.from(main.bytes).toString('utf8'))
  const model = await tf.loadLayersModel(
    tf.io.fromMemory({
      modelTopology: json.modelTopology,
      weightSpecs: json.weightsManifest[0].weights,
      weightData: Uint8Array.from(weights.bytes).buffer,
    }),
  )
  const { x, rows } = prepare(table, file.preprocessing)
  const predicted = tf.tidy(() => {
    const output = model.predict(tf.tensor(x, [rows, ...file.model.input]))
    return Float32Array.from((Array.isArray(output) ? output[0] : output).dataSync())
  })
  model.dispose()
  const { label }: Preprocessing = file.preprocessing
  return label ? predicted.map((value) => value * label.deviation + label.mean) : predicted
}

describe.each(Object.entries(networks))('%s', (_, [layers, data]) => {
  test.each(Object.keys(outputs) as Loss[])('predicts the same in ONNX Runtime and TensorFlow.js: %s', async (loss) => {
    const { file, table } = modelOf(loss, layers, data)
    const expected = await predict(file, table, trainer)
    expectClose(await runOnnx(file, table), expected)
    expectClose(await runTfjs(file, table), expected)
  })
})

test('zeros for missing categories and means without indicator are in the ONNX graph too', async () => {
  const plain = { numbers: 'mean', categories: 'zero' }
  const { file, table } = modelOf('binary-cross-entropy', [dense(4)], 'columns', plain)
  expectClose(await runOnnx(file, table), await predict(file, table, trainer))
})

test('group norm is in ONNX, and refused where TensorFlow.js has no such layer', async () => {
  const { file, table } = modelOf('cross-entropy', withGroups, 'image')
  expectClose(await runOnnx(file, table), await predict(file, table, trainer))
  expect(() => formats.tfjs.write(file, 'model')).toThrow(expect.objectContaining({ code: 'ERR_EXPORT' }))
})

describe.each(Object.keys(formats))('%s', (name) => {
  const format = formats[name]

  test.each(Object.keys(networks))('comes back number by number: %s', async (network) => {
    const [layers, data] = networks[network]
    const { file } = modelOf('cross-entropy', layers, data)
    const parts = format.write(file, 'model')
    expect(await format.read(parts[0].bytes, partsOf(parts))).toEqual(file)
  })

  test('what was changed in between is what comes back', async () => {
    const { file } = modelOf('binary-cross-entropy', [dense(3)], 'columns')
    const parameters = parametersOf(file).map((value) => value + 1)
    const bytes = new Uint8Array(parameters.buffer)
    const changed = parseModel({ ...file, parameters: Buffer.from(bytes).toString('base64') })
    const parts = format.write(changed, 'model')
    expect(parametersOf(await format.read(parts[0].bytes, partsOf(parts)))).toEqual(parameters)
  })

  test('a file that is damaged is read or refused, never a fault of ours', async () => {
    const { file } = modelOf('binary-cross-entropy', [dense(3)], 'columns')
    const parts = format.write(file, 'model')
    const [{ bytes }] = parts
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(255), fc.boolean(), async (at, byte, cut) => {
        const damaged = cut ? bytes.slice(0, at) : Uint8Array.from(bytes, (old, i) => (i === at ? byte : old))
        const part = (wanted: string) =>
          partsOf(parts)(wanted).catch(() => Promise.reject(new InputError('ERR_MODEL_FILE', 'no such part')))
        const read = format.read(damaged, part).catch((error: unknown) => {
          if (!(error instanceof InputError)) throw error
        })
        await read
      }),
      { numRuns: 300, seed: 4 },
    )
  })

  test('a model of somebody else is refused', async () => {
    const stranger = { __metadata__: {}, format: 'layers-model', weightsManifest: [] }
    const bytes = Buffer.from(JSON.stringify(stranger))
    await expect(format.read(bytes, partsOf([]))).rejects.toMatchObject({ code: 'ERR_MODEL_FILE' })
  })
})

/** Columns of numbers that go into a model as they are, and the model on them. */
function rawModel(model: ModelDescription, value: (stream: Stream) => number) {
  const { file } = modelOf('cross-entropy', [], 'columns')
  const names = Array.from({ length: 8 }, (_, i) => `x${i}`)
  const steps = names.map((name) => ({ type: 'number' as const, name, mean: 0, deviation: 1, indicator: false }))
  const bytes = new Uint8Array(initialParameters(model, new Stream('raw')).buffer)
  const parameters = Buffer.from(bytes).toString('base64')
  const stream = new Stream('series')
  const values = names.map((name) => ({
    ...{ type: 'number' as const, name },
    values: Float64Array.from({ length: 5 }, () => value(stream)),
  }))
  const table: Table = { schema: file.data, rows: 5, columns: values }
  return { file: parseModel({ ...file, model, preprocessing: { columns: steps }, parameters }), table }
}

test.each(['rnn', 'gru', 'lstm'] as const)(
  '%s: a recurrent network predicts the same in TensorFlow.js',
  async (type) => {
    const layers: Layer[] = [
      { type, units: 3, sequences: true },
      { type, units: 2, sequences: false },
      { type: 'dense', units: 3, activation: 'linear' },
    ]
    const { file, table } = rawModel({ input: [4, 2], layers, loss: 'cross-entropy' }, (stream) => stream.normal())
    expectClose(await runTfjs(file, table), await predict(file, table, trainer))
    expect(() => formats.onnx.write(file, 'model')).toThrow(expect.objectContaining({ code: 'ERR_EXPORT' }))
  },
)

test('an embedding predicts the same in ONNX Runtime and TensorFlow.js', async () => {
  const layers: Layer[] = [
    { type: 'embedding', vocabulary: 7, width: 3 },
    { type: 'flatten' },
    { type: 'dense', units: 3, activation: 'linear' },
  ]
  const { file, table } = rawModel({ input: [8], layers, loss: 'cross-entropy' }, (stream) => stream.below(7))
  const expected = await predict(file, table, trainer)
  expectClose(await runOnnx(file, table), expected)
  expectClose(await runTfjs(file, table), expected)
})
