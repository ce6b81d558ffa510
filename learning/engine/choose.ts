/** Which engine trains a model: TensorFlow.js, loaded only when a model needs it. */

import type { TfjsOptions } from './tfjs/backend.ts'
import type { TrainerFactory } from './trainer.ts'

export interface EngineOptions {
  readonly tfjs?: TfjsOptions
  /** Told once a model which engine was chosen. */
  readonly report?: (line: string) => void
}

/** The fastest engine that can train a model; `trainer.backend` and `report` say which one it is. */
export function chooseTrainer(options: EngineOptions = {}): TrainerFactory {
  return async (model) => {
    const { tfjsTrainer } = await import('./tfjs/trainer.ts')
    const trainer = await tfjsTrainer(options.tfjs)(model)
    options.report?.(`engine: ${trainer.backend}`)
    return trainer
  }
}
