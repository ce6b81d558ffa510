/** One run of training on a program: examples placed in the arena, then epochs of steps. */

import type { Stream } from '../../../protocol/stream.ts'
import type { Validation } from '../early-stopping.ts'
import { LossNotFiniteError } from '../examples.ts'
import { rateAt } from '../schedule.ts'
import type { Examples, TrainOptions, TrainResult } from '../trainer.ts'
import { compileDescent } from './descent.ts'
import { privateSteps } from './private-steps.ts'
import { type Descent, type Place, type Steps, shuffledSteps, type Workshop } from './steps.ts'

/** What is trained on, and how. `pause` is awaited between epochs. */
export interface Job {
  readonly examples: Examples
  readonly options: TrainOptions
  readonly stream: Stream
  readonly seeds: Stream | undefined
  readonly validation: Validation | undefined
  readonly pause: (() => Promise<void>) | undefined
}

/** Trains from `parameters`; what the run allocates is given back at its end. @throws LossNotFiniteError */
export async function run(workshop: Workshop, parameters: Float32Array, job: Job): Promise<TrainResult> {
  const { machine, program } = workshop
  const { options, validation, pause } = job
  const top = machine.top
  try {
    const { epoch, descent } = begin(workshop, parameters, job)
    let steps = 0
    let loss = 0
    for (let done = 0; done < options.epochs; done++) {
      const before = program.store.read()
      epoch.begin()
      let total = 0
      for (let index = 0; index < epoch.count; index++) {
        descent.begin(rateAt(options.learningRate, options.schedule, steps, options.epochs * epoch.count))
        const stepLoss = epoch.step(index)
        if (!Number.isFinite(stepLoss)) throw new LossNotFiniteError(steps, stepLoss, before)
        total += stepLoss
        steps++
      }
      loss = epoch.seen === 0 ? 0 : total / epoch.seen
      if (await validation?.ends(program.store.read())) break
      if (pause !== undefined) await pause()
    }
    const last = program.store.read()
    return { parameters: validation?.best(last) ?? last, loss, steps }
  } finally {
    machine.release(top)
  }
}

/** Everything before the first step: parameters and examples in their places, calls compiled. */
export function begin(
  workshop: Workshop,
  parameters: Float32Array,
  { examples, options, stream, seeds }: Pick<Job, 'examples' | 'options' | 'stream' | 'seeds'>,
): { readonly epoch: Steps; readonly descent: Descent } {
  const { store } = workshop.program
  store.load(parameters)
  store.clearMoments()
  const place = placeExamples(workshop, examples, options)
  const descent = compileDescent(workshop, options)
  const { privacy } = options
  const parts = { workshop, place, examples, options, descent, seeds }
  const epoch = privacy === undefined ? shuffledSteps(parts, stream) : privateSteps(parts, privacy)
  return { epoch, descent }
}

function placeExamples({ machine, program }: Workshop, { rows, x, y }: Examples, options: TrainOptions): Place {
  const { classWeights, focal = 0 } = options
  const weights = classWeights ?? Array.from({ length: Math.max(2, program.output.channels) }, () => 1)
  const addressOf = (values: ArrayLike<number>): number => {
    const address = machine.allocate(values.length)
    machine.floats(address, values.length).set(values)
    return address
  }
  return {
    x: addressOf(x),
    y: addressOf(y),
    order: machine.allocate(rows),
    weighting: classWeights === undefined && focal === 0 ? undefined : { weights: addressOf(weights), focal },
    batch: 0,
  }
}
