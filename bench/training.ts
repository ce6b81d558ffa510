/** Milliseconds a training step takes, single thread: the compiled engine beside PyTorch, TensorFlow.js and plain loops. */

import { randomFillSync } from 'node:crypto'
import { setFlagsFromString } from 'node:v8'
import { openMachine, supports, type Variant } from '../learning/engine/compiled/machine.ts'
import { Program } from '../learning/engine/compiled/program.ts'
import { begin } from '../learning/engine/compiled/run.ts'
import { programFor } from '../learning/engine/compiled/trainer.ts'
import type { Examples, TrainOptions } from '../learning/engine/trainer.ts'
import type { ModelDescription } from '../learning/models/description.ts'
import { models } from '../learning/models/index.ts'
import { initialParameters } from '../learning/models/initial.ts'
import { layOut, product } from '../learning/models/layout.ts'
import type { Label } from '../protocol/schema.ts'
import { Stream } from '../protocol/stream.ts'
import { plainNetwork } from './plain-network.ts'
import type { BenchOptions, BenchResult } from './result.ts'
import { tfjsFit } from './tfjs-fit.ts'
import { type TorchTimes, torchTimes } from './torch.ts'

const binary: Label = { column: 'y', type: 'binary', missing: [], positive: ['1'], negative: ['0'] }
const digits: Label = { column: 'y', type: 'class', missing: [], classes: [...'0123456789'] }

/** The names are those of the PyTorch reference. */
const shapes: Readonly<Record<string, ModelDescription>> = {
  logistic: models.logistic.describe({}, { features: 13, label: binary }),
  tabular: models.mlp.describe({ hidden: [64, 32, 16] }, { features: 20, label: binary }),
  '2nn': models.mlp.describe({ hidden: [200, 200] }, { features: 784, label: digits }),
  cnn: models.cnn.describe({}, { features: 784, label: digits }),
}

interface Case {
  readonly name: string
  readonly model: ModelDescription
  readonly batch: number
  readonly examples: Examples
  /** Seconds one measured run should take. */
  readonly seconds: number
}

export async function training({ quick, progress }: BenchOptions): Promise<BenchResult[]> {
  // Node 20 has relaxed SIMD behind a flag.
  if (!supports('relaxed')) setFlagsFromString('--experimental-wasm-relaxed-simd')
  const batches = quick ? [32] : [10, 32, 128]
  const seconds = quick ? 0.05 : 0.4
  const torch = torchTimes(Object.keys(shapes), batches, quick ? 0.2 : 1)
  progress(torch === undefined ? 'no PyTorch here: no reference' : `reference: PyTorch ${torch.version}, one thread`)
  const results: BenchResult[] = []
  for (const [name, model] of Object.entries(shapes)) {
    for (const batch of batches) {
      const one: Case = { name, model, batch, examples: examplesFor(model, batch), seconds }
      for (const result of await measure(one, torch)) {
        results.push(result)
        progress(
          `${result.name}: ${result.value.toPrecision(3)} ms${result.ratio === null ? '' : `, ${result.ratio.toPrecision(2)} of PyTorch`}`,
        )
      }
    }
  }
  return results
}

async function measure(one: Case, torch: TorchTimes | undefined): Promise<BenchResult[]> {
  const { name, model, batch, examples } = one
  const reference = torch?.of(name, batch) ?? null
  const result = (engine: string, value: number): BenchResult => ({
    name: `training ${name} ${batch}, ${engine}`,
    value,
    unit: 'ms/step',
    reference,
    ratio: reference === null ? null : value / reference,
  })
  const results: BenchResult[] = []
  for (const variant of (['simd128', 'relaxed'] satisfies Variant[]).filter(supports)) {
    const plain: TrainOptions = { epochs: 1, batchSize: batch, optimiser: 'sgd', learningRate: 0.01 }
    results.push(result(`compiled ${variant}`, await compiledStep(one, variant, plain)))
    const privacy = { clippingNorm: 1, noiseMultiplier: 1, batchRate: batch / examples.rows, random }
    results.push(result(`compiled ${variant} DP-SGD`, await compiledStep(one, variant, { ...plain, privacy })))
  }
  if (model.layers.every((layer) => layer.type === 'dense')) {
    results.push(result('plain JavaScript', plainStep(one)))
    for (const backend of ['wasm', 'cpu'] as const) {
      results.push(result(`tfjs fit ${backend}`, await tfjsFit(backend, model, examples, batch)))
    }
  }
  return results
}

const random = { bytes: (length: number) => randomFillSync(new Uint8Array(length)) }

/** Random inputs for sixteen steps. */
function examplesFor(model: ModelDescription, batch: number): Examples {
  const stream = new Stream('bench/training')
  const features = product(model.input)
  const rows = 16 * batch
  const classes = model.loss === 'cross-entropy' ? 10 : 2
  return {
    rows,
    features,
    x: Float32Array.from({ length: rows * features }, () => stream.normal()),
    y: Float32Array.from({ length: rows }, () => stream.below(classes)),
  }
}

/** The median of many steps, as the PyTorch reference takes it; steps too short for the clock are timed in groups. */
async function compiledStep(
  { model, examples, seconds }: Case,
  variant: Variant,
  options: TrainOptions,
): Promise<number> {
  const layout = layOut(model)
  const machine = await openMachine(variant)
  const program = new Program(machine, model, layout, programFor(options, examples.rows))
  const start = initialParameters(model, new Stream('start'))
  const chances = { dropout: undefined, augmentation: undefined }
  const job = { examples, options, stream: new Stream('order'), chances, targets: 1, check: () => {} }
  const { epoch, descent } = begin({ machine, program }, start, job)
  let next = 0
  const step = (): void => {
    if (next === 0) epoch.begin()
    descent.begin(options.learningRate)
    epoch.step(next)
    next = (next + 1) % epoch.count
  }
  const timed = (count: number): number => {
    const began = performance.now()
    for (let i = 0; i < count; i++) step()
    return (performance.now() - began) / count
  }
  timed(20)
  const group = Math.ceil(0.2 / timed(20))
  const times: number[] = []
  for (const end = performance.now() + 2000 * seconds; performance.now() < end || times.length < 20; ) {
    times.push(timed(group))
  }
  return median(times)
}

function plainStep({ model, batch, examples, seconds }: Case): number {
  const widths = model.layers.flatMap((layer) => (layer.type === 'dense' ? [layer.units] : []))
  const step = plainNetwork([...model.input, ...widths], batch, 0.01)
  const [x, y] = [examples.x.subarray(0, batch * examples.features), examples.y.subarray(0, batch)]
  const times: number[] = []
  for (const end = performance.now() + 2000 * seconds; performance.now() < end || times.length < 20; ) {
    const began = performance.now()
    for (let i = 0; i < 10; i++) step(x, y)
    times.push((performance.now() - began) / 10)
  }
  return median(times)
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
