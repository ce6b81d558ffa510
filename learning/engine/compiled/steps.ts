/** The steps of an epoch over shuffled batches, and the parts that private steps share with them. */

import type { Stream } from '../../../protocol/stream.ts'
import { augment } from '../augmentation.ts'
import type { Batches, Examples } from '../batches.ts'
import type { Chances } from '../chances.ts'
import type { TrainOptions } from '../trainer.ts'
import type { Machine } from './machine.ts'
import type { Program, Weighting } from './program.ts'

/** A program with the machine it is compiled for. */
export interface Workshop {
  readonly machine: Machine
  readonly program: Program
}

/** Addresses of the examples, of the order in which they are visited, and of the present batch in that order. */
export interface Place {
  readonly x: number
  readonly y: number
  readonly order: number
  readonly weighting: Weighting | undefined
  batch: number
}

/** From a batch's gradient to new parameters. */
export interface Descent {
  /** Sets the step's learning rate; before the gradients are made. */
  begin(rate: number): void
  /** Moves the parameters; after. `scale` is a factor on the gradient. */
  end(scale: number): void
}

/** What the two kinds of steps are made of. */
export interface StepParts {
  readonly workshop: Workshop
  readonly place: Place
  readonly data: RowShape
  readonly options: TrainOptions
  readonly descent: Descent
  readonly chances: Chances
}

/** How many rows there are, and how many numbers and labels each has. */
export interface RowShape {
  readonly rows: number
  readonly features: number
  readonly targets: number
}

/** The steps of an epoch. */
export interface Steps {
  readonly count: number
  /** A new epoch: a fresh order of the rows. */
  begin(): void
  /** Step `index` of the epoch; returns the sum of the losses of its rows, before it. */
  step(index: number): number
  /** Rows that were seen since `begin`. */
  readonly seen: number
  /** Where rows are streamed: whenever it yields, the next batch stands ready for `step`. */
  readonly incoming?: () => AsyncIterable<void>
}

/** A permutation an epoch, cut into batches; the last one may be shorter. */
export function shuffledSteps(parts: StepParts, stream: Stream): Steps {
  const { workshop, place, data, options } = parts
  const { rows } = data
  const { batchSize } = options
  const stepOf = compileSteps(parts)
  return {
    count: Math.ceil(rows / batchSize),
    seen: rows,
    begin: () => workshop.machine.integers(place.order, rows).set(stream.permutation(rows)),
    step: (index) => {
      place.batch = place.order + 4 * index * batchSize
      return stepOf(Math.min(batchSize, rows - index * batchSize))()
    },
  }
}

/** Steps over batches that pass by; the place has room for one. `check` refuses rows that do not fit the model. */
export function streamedSteps(
  parts: StepParts,
  batches: Batches,
  stream: Stream,
  check: (batch: Examples) => void,
): Steps {
  const { workshop, place, data, options } = parts
  const { machine } = workshop
  const stepOf = compileSteps(parts)
  machine.integers(place.order, data.rows).forEach((_, i, all) => {
    all[i] = i
  })
  place.batch = place.order
  let rows = 0
  const steps = {
    count: Math.ceil(batches.rows / options.batchSize),
    seen: 0,
    begin: () => {
      steps.seen = 0
    },
    step: () => {
      steps.seen += rows
      return stepOf(rows)()
    },
    async *incoming() {
      for await (const batch of batches.epoch(options.batchSize, stream)) {
        check(batch)
        if (batch.rows > options.batchSize) throw new Error(`a batch of ${batch.rows} where ${options.batchSize} fit`)
        machine.floats(place.x, batch.x.length).set(batch.x)
        machine.floats(place.y, batch.y.length).set(batch.y)
        rows = batch.rows
        yield
      }
    },
  }
  return steps
}

/** The step on a batch of so many rows; returns the sum of their losses. */
function compileSteps(parts: StepParts): (rows: number) => () => number {
  const { workshop, descent } = parts
  return bySize((count) => {
    const forth = compileForward(parts, count, 1 / count)
    const back = [...workshop.program.backpropagate(count), ...workshop.program.gradients(count)]
    return () => {
      const loss = forth()
      for (let i = 0; i < back.length; i++) back[i]()
      descent.end(1)
      return loss
    }
  })
}

/** Gathers the present batch, runs the model and the loss; returns the sum of the rows' losses. */
export function compileForward(
  { workshop: { machine, program }, place, data, options, chances }: StepParts,
  rows: number,
  scale: number,
): () => number {
  const { kernels } = machine
  const forward = program.forward(rows)
  const loss = program.lossOf(rows, scale, place.weighting)
  return () => {
    program.chance.seed = chances.dropout === undefined ? 0 : chances.dropout.uint32()
    kernels.gather(place.x, data.features, place.batch, rows, program.input)
    kernels.gather(place.y, data.targets, place.batch, rows, program.labels)
    if (options.augmentation !== undefined && chances.augmentation !== undefined) {
      const images = machine.floats(program.input, rows * data.features)
      augment(images, program.shape, options.augmentation, chances.augmentation)
    }
    for (let i = 0; i < forward.length; i++) forward[i]()
    return loss()
  }
}

/** What is compiled for a number of rows, kept. */
export function bySize<T>(compile: (rows: number) => T): (rows: number) => T {
  const compiled = new Map<number, T>()
  return (rows) => {
    const known = compiled.get(rows) ?? compile(rows)
    compiled.set(rows, known)
    return known
  }
}
