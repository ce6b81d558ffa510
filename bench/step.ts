/** One training step of the compiled engine, timed: in Node and, by the same code, in a browser. */

import { openMachine, type Variant } from '../learning/engine/compiled/machine.ts'
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

const binary: Label = { column: 'y', type: 'binary', missing: [], positive: ['1'], negative: ['0'] }
const digits: Label = { column: 'y', type: 'class', missing: [], classes: [...'0123456789'] }

/** The names are those of the PyTorch reference. */
export const shapes: Readonly<Record<string, ModelDescription>> = {
  logistic: models.logistic.describe({}, { features: 13, label: binary }),
  tabular: models.mlp.describe({ hidden: [64, 32, 16] }, { features: 20, label: binary }),
  '2nn': models.mlp.describe({ hidden: [200, 200] }, { features: 784, label: digits }),
  cnn: models.cnn.describe({}, { features: 784, label: digits }),
}

export interface Case {
  readonly name: string
  readonly model: ModelDescription
  readonly batch: number
  readonly examples: Examples
  /** Seconds one measured run should take. */
  readonly seconds: number
  /** Milliseconds of steps that are timed at once: well above what the clock can tell apart. */
  readonly group: number
}

export const caseOf = (name: string, batch: number, time: Pick<Case, 'seconds' | 'group'>): Case => {
  const model = shapes[name]
  return { name, model, batch, examples: examplesFor(model, batch), ...time }
}

/** Without noise. */
export const plainSteps = ({ batch }: Case): TrainOptions => ({
  ...{ epochs: 1, batchSize: batch, optimiser: 'sgd', learningRate: 0.01 },
})

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
export async function compiledStep(
  { model, examples, seconds, group }: Case,
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
  let count = 1
  while (timed(count) * count < group) count *= 2
  const times: number[] = []
  for (const end = performance.now() + 2000 * seconds; performance.now() < end || times.length < 20; ) {
    times.push(timed(count))
  }
  return median(times)
}

export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
