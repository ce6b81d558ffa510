/** The compiled trainer: a step is a few dozen kernel calls over one arena, and nothing else. */

import { InputError } from '../../../protocol/errors.ts'
import type { Stream } from '../../../protocol/stream.ts'
import type { ModelDescription } from '../../models/description.ts'
import { initialParameters } from '../../models/initial.ts'
import { type Layout, layOut } from '../../models/layout.ts'
import type { Batches, Examples } from '../batches.ts'
import { chancesOf } from '../chances.ts'
import { validationOf } from '../early-stopping.ts'
import { causeOf, checkExamples, checkInputs, checkParameters, isStreamed, targetsOf } from '../examples.ts'
import { checkRun } from '../options.ts'
import type { Trainer, TrainerFactory, TrainOptions, TrainResult } from '../trainer.ts'
import { openMachine, supports, type Variant } from './machine.ts'
import { compiles, Program, type ProgramOptions } from './program.ts'
import { run } from './run.ts'
import type { Workshop } from './steps.ts'

export interface CompiledOptions {
  /** Forces a variant; without it relaxed SIMD where there is one. `simd128` gives the same bits on every machine. */
  readonly variant?: Variant
  /** Called between epochs, so that a shell can let its sockets breathe. */
  readonly pause?: () => Promise<void>
}

/** Rows that go through the model at once when predicting. */
const predictionRows = 64

/** Whether the compiled engine has every layer of the model and this JavaScript engine runs its kernels. */
export const canCompile = (model: ModelDescription): boolean => compiles(model) && supports('simd128')

/** @throws InputError ERR_MODEL_SHAPE, ERR_ENGINE where the model or the machine is not supported. */
export function compiledTrainer(options: CompiledOptions = {}): TrainerFactory {
  const variant = options.variant ?? (supports('relaxed') ? 'relaxed' : 'simd128')
  return async (model) => {
    const layout = layOut(model)
    if (!compiles(model))
      throw new InputError(
        'ERR_ENGINE',
        'the model has layers that the compiled engine lacks; use tfjs',
        'model.layers',
      )
    if (!supports(variant))
      throw new InputError('ERR_ENGINE', `this JavaScript engine does not run the ${variant} kernels; use tfjs`)
    return new CompiledTrainer(model, layout, variant, options.pause)
  }
}

/** The program that a run with these options on so many rows needs. */
export function programFor(options: TrainOptions, rows: number): ProgramOptions {
  const { optimiser, proximal, clipNorm, privacy, drift, frozen, batchSize } = options
  const plain = optimiser === 'sgd' && !proximal && clipNorm === undefined && drift === undefined
  const fused = plain && privacy === undefined && frozen === undefined
  return { capacity: Math.min(batchSize, rows), optimiser, fused, perRow: privacy !== undefined }
}

/** Idle programs by what they are compiled for: trainers of many sites run the same model in turn. */
const idle = new Map<string, Workshop[]>()

class CompiledTrainer implements Trainer {
  readonly backend: string
  readonly parameterCount: number
  readonly #model: ModelDescription
  readonly #layout: Layout
  readonly #variant: Variant
  readonly #pause: (() => Promise<void>) | undefined

  constructor(model: ModelDescription, layout: Layout, variant: Variant, pause: (() => Promise<void>) | undefined) {
    this.backend = `compiled ${variant}`
    this.parameterCount = layout.parameters
    this.#model = model
    this.#layout = layout
    this.#variant = variant
    this.#pause = pause
  }

  initial(stream: Stream): Float32Array {
    return initialParameters(this.#model, stream)
  }

  async train(
    parameters: Float32Array,
    given: Examples | Batches,
    options: TrainOptions,
    stream: Stream,
  ): Promise<TrainResult> {
    const [layout, { loss }] = [this.#layout, this.#model]
    const { examples, validation } = checkRun(layout, loss, parameters, given, options)
    const job = {
      ...{ examples, options, stream, targets: targetsOf(layout, loss) },
      chances: chancesOf(this.#model, options, stream),
      check: (batch: Examples) => checkExamples(layout, loss, batch),
    }
    const surroundings = {
      validation: validationOf(this, loss, validation, options),
      pause: this.#pause,
      explain: (now: Float32Array) => causeOf(layout, isStreamed(given) ? undefined : given, now),
    }
    // How many rows a stream brings is known when it has ended: its batches may all be full.
    const rows = isStreamed(examples) ? options.batchSize : examples.rows
    return this.#withProgram(programFor(options, rows), (workshop) => run(workshop, parameters, job, surroundings))
  }

  async predict(parameters: Float32Array, x: Float32Array, rows: number): Promise<Float32Array> {
    checkParameters(this.#layout, parameters)
    checkInputs(this.#layout, x, rows)
    return this.#withProgram(
      { capacity: predictionRows, optimiser: undefined, fused: false, perRow: false },
      async ({ machine, program }) => {
        program.store.load(parameters)
        const { features, outputs } = this.#layout
        const predictions = new Float32Array(rows * outputs)
        for (let start = 0; start < rows; start += predictionRows) {
          const count = Math.min(predictionRows, rows - start)
          machine.floats(program.input, count * features).set(x.subarray(start * features, (start + count) * features))
          for (const call of program.forward(count)) call()
          for (const call of program.link(count)) call()
          const { values, pitch } = program.output
          const block = machine.floats(values, count * pitch)
          for (let row = 0; row < count; row++) {
            predictions.set(block.subarray(row * pitch, row * pitch + outputs), (start + row) * outputs)
          }
        }
        return predictions
      },
    )
  }

  /** Programs are shared between trainers and outlive them. */
  dispose(): void {}

  async #withProgram<T>(options: ProgramOptions, use: (workshop: Workshop) => Promise<T>): Promise<T> {
    const key = JSON.stringify([this.#variant, this.#model, options])
    const waiting = idle.get(key) ?? []
    idle.set(key, waiting)
    const workshop = waiting.pop() ?? (await this.#open(options))
    try {
      return await use(workshop)
    } finally {
      waiting.push(workshop)
    }
  }

  async #open(options: ProgramOptions): Promise<Workshop> {
    const machine = await openMachine(this.#variant)
    return { machine, program: new Program(machine, this.#model, this.#layout, options) }
  }
}
