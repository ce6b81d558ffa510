/** From a batch's gradient to new parameters: clipping and the update rule, or nothing where the program descends as it goes. */

import { rules } from '../optimisers.ts'
import type { TrainOptions } from '../trainer.ts'
import type { Descent, Workshop } from './steps.ts'
import { type Settings, update } from './update.ts'

export function compileDescent(workshop: Workshop, options: TrainOptions): Descent {
  return workshop.program.fused ? fusedDescent(workshop, options) : separateDescent(workshop, options)
}

function fusedDescent({ program: { target } }: Workshop, { weightDecay = 0 }: TrainOptions): Descent {
  target.keepBias = 1
  return {
    begin: (rate) => {
      target.alpha = -rate
      target.keepKernel = 1 - rate * weightDecay
    },
    end: () => {},
  }
}

/** `proximal` pulls towards the parameters as they stand now. */
function separateDescent({ machine, program: { store } }: Workshop, options: TrainOptions): Descent {
  const { learningRate: rate, weightDecay: decay = 0, proximal = 0, clipNorm = Number.POSITIVE_INFINITY } = options
  const settings: Settings = { rate, scale: 1, decay, proximal, power1: 1, power2: 1 }
  const anchor = machine.allocate(proximal ? store.floats : 0)
  if (proximal) machine.floats(anchor, store.floats).set(machine.floats(store.values, store.floats))
  const drift = machine.allocate(options.drift ? store.floats : 0)
  if (options.drift) store.load(options.drift, drift)
  const calls = update(
    machine,
    store,
    options.optimiser,
    { stretches: store.stretches(options.frozen), anchor },
    settings,
  )
  return {
    begin: (now) => {
      settings.rate = now
    },
    end: (scale) => {
      settings.scale = scale
      if (clipNorm < Number.POSITIVE_INFINITY) {
        const norm = Math.sqrt(machine.kernels.squaredNorm(store.gradient, store.floats))
        if (norm > clipNorm) settings.scale = clipNorm / norm
      }
      // The rule multiplies the gradient by the scale; the drift is meant as it is.
      if (options.drift) machine.kernels.descend(store.gradient, drift, 0, store.floats, -1 / settings.scale, 1, 0, 0)
      settings.power1 *= rules.adam.decay1
      settings.power2 *= rules.adam.decay2
      for (let i = 0; i < calls.length; i++) calls[i]()
    },
  }
}
