/** The steps of an epoch over shuffled batches, and the parts that private steps share with them. */

import type { Stream } from '../../../protocol/stream.ts'
import type { Examples, TrainOptions } from '../trainer.ts'
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
  readonly examples: Examples
  readonly options: TrainOptions
  readonly descent: Descent
  /** Where dropout draws; `undefined` without such a layer. */
  readonly seeds: Stream | undefined
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
}

/** A permutation an epoch, cut into batches; the last one may be shorter. */
export function shuffledSteps(parts: StepParts, stream: Stream): Steps {
  const { workshop, place, examples, options, descent } = parts
  const { rows } = examples
  const { batchSize } = options
  const stepOf = bySize((count) => {
    const forth = compileForward(parts, count, 1 / count)
    const back = [...workshop.program.backpropagate(count), ...workshop.program.gradients(count)]
    return () => {
      const loss = forth()
      for (let i = 0; i < back.length; i++) back[i]()
      descent.end(1)
      return loss
    }
  })
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

/** Gathers the present batch, runs the model and the loss; returns the sum of the rows' losses. */
export function compileForward(
  { workshop: { machine, program }, place, examples, seeds }: StepParts,
  rows: number,
  scale: number,
): () => number {
  const { kernels } = machine
  const targets = examples.y.length / examples.rows
  const forward = program.forward(rows)
  const loss = program.lossOf(rows, scale, place.weighting)
  return () => {
    program.chance.seed = seeds === undefined ? 0 : seeds.uint32()
    kernels.gather(place.x, examples.features, place.batch, rows, program.input)
    kernels.gather(place.y, targets, place.batch, rows, program.labels)
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
