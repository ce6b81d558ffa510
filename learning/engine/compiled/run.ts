/** One run of training on a program: examples placed in the arena, then epochs of steps. */

import type { Stream } from '../../../protocol/stream.ts'
import { LossNotFiniteError } from '../examples.ts'
import { rules } from '../optimisers.ts'
import type { Examples, TrainOptions, TrainResult } from '../trainer.ts'
import type { Machine } from './machine.ts'
import type { Program } from './program.ts'
import { type Settings, update } from './update.ts'

/** A program with the machine it is compiled for. */
export interface Workshop {
  readonly machine: Machine
  readonly program: Program
}

/** What is trained on, and how. `pause` is awaited between epochs. */
export interface Job {
  readonly examples: Examples
  readonly options: TrainOptions
  readonly stream: Stream
  readonly pause: (() => Promise<void>) | undefined
}

/** Trains from `parameters`; what the run allocates is given back at its end. @throws LossNotFiniteError */
export async function run(workshop: Workshop, parameters: Float32Array, job: Job): Promise<TrainResult> {
  const { machine, program } = workshop
  const { examples, options, stream, pause } = job
  const top = machine.top
  try {
    program.store.load(parameters)
    program.store.clearMoments()
    const place = placeExamples(machine, examples)
    const stepOf = compileSteps(workshop, place, examples, options)
    let steps = 0
    let loss = 0
    for (let epoch = 0; epoch < options.epochs; epoch++) {
      const before = program.store.read()
      machine.integers(place.order, examples.rows).set(stream.permutation(examples.rows))
      let total = 0
      for (let start = 0; start < examples.rows; start += options.batchSize) {
        place.batch = place.order + 4 * start
        const batchLoss = stepOf(Math.min(options.batchSize, examples.rows - start))()
        if (!Number.isFinite(batchLoss)) throw new LossNotFiniteError(steps, batchLoss, before)
        total += batchLoss
        steps++
      }
      loss = total / examples.rows
      if (pause !== undefined) await pause()
    }
    return { parameters: program.store.read(), loss, steps }
  } finally {
    machine.release(top)
  }
}

/** Addresses of the examples, of the order in which they are visited, and of the present batch in that order. */
interface Place {
  readonly x: number
  readonly y: number
  readonly order: number
  batch: number
}

function placeExamples(machine: Machine, { rows, x, y }: Examples): Place {
  const place = {
    x: machine.allocate(x.length),
    y: machine.allocate(y.length),
    order: machine.allocate(rows),
    batch: 0,
  }
  machine.floats(place.x, x.length).set(x)
  machine.floats(place.y, y.length).set(y)
  return place
}

/** The step for each batch size: the full one and the shorter one at an epoch's end. */
function compileSteps(
  workshop: Workshop,
  place: Place,
  examples: Examples,
  options: TrainOptions,
): (rows: number) => () => number {
  const compiled = new Map<number, () => number>()
  const descend = compileDescent(workshop, options)
  return (rows) => {
    const known = compiled.get(rows)
    if (known !== undefined) return known
    const step = compileStep(workshop, { place, examples }, rows, descend)
    compiled.set(rows, step)
    return step
  }
}

/** One step; returns the sum of the rows' losses before it. */
function compileStep(
  { machine: { kernels }, program }: Workshop,
  { place, examples }: { readonly place: Place; readonly examples: Examples },
  rows: number,
  descend: () => void,
): () => number {
  const { features } = examples
  const targets = examples.y.length / examples.rows
  const { input, labels } = program
  const forward = program.forward(rows)
  const loss = program.lossOf(rows)
  const backward = program.backward(rows)
  return () => {
    kernels.gather(place.x, features, place.batch, rows, input)
    kernels.gather(place.y, targets, place.batch, rows, labels)
    for (let i = 0; i < forward.length; i++) forward[i]()
    const total = loss()
    for (let i = 0; i < backward.length; i++) backward[i]()
    descend()
    return total
  }
}

/** From gradients to parameters: nothing where the program descends as it goes. */
function compileDescent({ machine, program }: Workshop, options: TrainOptions): () => void {
  const { learningRate: rate, weightDecay: decay = 0, proximal = 0 } = options
  const { store, target } = program
  if (program.fused) {
    target.alpha = -rate
    target.keepKernel = 1 - rate * decay
    target.keepBias = 1
    return () => {}
  }
  const settings: Settings = { rate, scale: 1, decay, proximal, power1: 1, power2: 1 }
  const anchor = machine.allocate(proximal ? store.floats : 0)
  if (proximal) machine.floats(anchor, store.floats).set(machine.floats(store.values, store.floats))
  const calls = update(machine, store, options.optimiser, anchor, settings)
  return () => {
    settings.power1 *= rules.adam.decay1
    settings.power2 *= rules.adam.decay2
    for (let i = 0; i < calls.length; i++) calls[i]()
  }
}
