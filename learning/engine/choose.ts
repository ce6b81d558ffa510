/** Which engine trains a model: the compiled one where it has every layer, TensorFlow.js elsewhere; each is loaded when it is needed. */

import type { ModelDescription } from '../models/description.ts'
import type { CompiledOptions } from './compiled/trainer.ts'
import type { TfjsOptions } from './tfjs/backend.ts'
import type { EngineWishes, Trainer, TrainerFactory } from './trainer.ts'

export interface EngineOptions {
  /** Forces an engine; `compiled` then refuses what it cannot train. */
  readonly prefer?: 'compiled' | 'tfjs'
  readonly compiled?: CompiledOptions
  readonly tfjs?: TfjsOptions
  /** Told once a model which engine was chosen. */
  readonly report?: (line: string) => void
}

/** The fastest engine that can train a model; `trainer.backend` and `report` say which one it is. */
export function chooseTrainer(options: EngineOptions = {}): TrainerFactory {
  return async (model, wishes = {}) => {
    const trainer = await open(model, options, wishes)
    options.report?.(`engine: ${trainer.backend}`)
    return trainer
  }
}

/** What is forced here goes before what the plan wishes; without relaxed SIMD is without it wherever that is said. */
async function open(model: ModelDescription, options: EngineOptions, wishes: EngineWishes): Promise<Trainer> {
  const use = options.prefer ?? wishes.use ?? 'auto'
  const { canCompile, compiledTrainer } = await import('./compiled/trainer.ts')
  if (use === 'compiled' || (use === 'auto' && canCompile(model))) {
    const exact = wishes.relaxed === false ? { variant: 'simd128' as const } : {}
    return compiledTrainer({ ...options.compiled, ...exact })(model)
  }
  const { tfjsTrainer } = await import('./tfjs/trainer.ts')
  return tfjsTrainer(options.tfjs)(model)
}
