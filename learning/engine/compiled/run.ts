/** One run of training on a program: examples placed in the arena, then epochs of steps. */

import type { Stream } from '../../../protocol/stream.ts'
import type { Batches, Examples } from '../batches.ts'
import type { Chances } from '../chances.ts'
import type { Validation } from '../early-stopping.ts'
import { isStreamed, LossNotFiniteError } from '../examples.ts'
import { rateAt } from '../schedule.ts'
import type { TrainOptions, TrainResult } from '../trainer.ts'
import { compileDescent } from './descent.ts'
import { privateSteps } from './private-steps.ts'
import type { Descent, Place, RowShape, Steps, Workshop } from './steps.ts'
import { shuffledSteps, streamedSteps } from './steps.ts'

/** What is trained on, and how. */
export interface Job {
  readonly examples: Examples | Batches
  readonly options: TrainOptions
  readonly stream: Stream
  readonly chances: Chances
  /** Labels a row. */
  readonly targets: number
  /** Refuses streamed rows that do not fit the model. */
  readonly check: (batch: Examples) => void
}

/** What surrounds the steps. */
export interface Surroundings {
  readonly validation: Validation | undefined
  /** Awaited between epochs. */
  readonly pause: (() => Promise<void>) | undefined
  /** Why a loss is not finite, from the parameters as they stand then. */
  readonly explain: (now: Float32Array) => string
}

/** Trains from `parameters`; what the run allocates is given back at its end. @throws LossNotFiniteError */
export async function run(
  workshop: Workshop,
  parameters: Float32Array,
  job: Job,
  { validation, pause, explain }: Surroundings,
): Promise<TrainResult> {
  const { machine, program } = workshop
  const { options } = job
  const top = machine.top
  try {
    const { epoch, descent } = begin(workshop, parameters, job)
    let steps = 0
    let loss = 0
    for (let done = 0; done < options.epochs; done++) {
      const before = program.store.read()
      epoch.begin()
      let total = 0
      const step = (index: number): void => {
        descent.begin(rateAt(options.learningRate, options.schedule, steps, options.epochs * epoch.count))
        const stepLoss = epoch.step(index)
        if (!Number.isFinite(stepLoss))
          throw new LossNotFiniteError(steps, stepLoss, before, explain(program.store.read()))
        total += stepLoss
        steps++
      }
      if (epoch.incoming === undefined) for (let index = 0; index < epoch.count; index++) step(index)
      else for await (const _ of epoch.incoming()) step(0)
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
  job: Job,
): { readonly epoch: Steps; readonly descent: Descent } {
  const { store } = workshop.program
  store.load(parameters)
  store.clearMoments()
  const { examples, options, stream, chances, targets } = job
  const rows = isStreamed(examples) ? options.batchSize : examples.rows
  const data = { rows, features: examples.features, targets }
  const place = allocatePlace(workshop, data, options)
  const descent = compileDescent(workshop, options)
  const parts = { workshop, place, data, options, descent, chances }
  if (isStreamed(examples)) return { epoch: streamedSteps(parts, examples, stream, job.check), descent }
  workshop.machine.floats(place.x, examples.x.length).set(examples.x)
  workshop.machine.floats(place.y, examples.y.length).set(examples.y)
  const { privacy } = options
  return { epoch: privacy === undefined ? shuffledSteps(parts, stream) : privateSteps(parts, privacy), descent }
}

function allocatePlace({ machine, program }: Workshop, data: RowShape, options: TrainOptions): Place {
  const { classWeights, focal = 0 } = options
  const weights = classWeights ?? Array.from({ length: Math.max(2, program.output.channels) }, () => 1)
  const place = {
    x: machine.allocate(data.rows * data.features),
    y: machine.allocate(data.rows * data.targets),
    order: machine.allocate(data.rows),
    batch: 0,
  }
  if (classWeights === undefined && focal === 0) return { ...place, weighting: undefined }
  const address = machine.allocate(weights.length)
  machine.floats(address, weights.length).set(weights)
  return { ...place, weighting: { weights: address, focal } }
}
