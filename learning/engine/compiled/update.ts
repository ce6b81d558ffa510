/** The update rules as calls over the parameter store, for programs that do not descend as they go. */

import { unreachable } from '../../../protocol/errors.ts'
import { type OptimiserName, rules } from '../optimisers.ts'
import type { Call } from './layer.ts'
import type { Machine } from './machine.ts'
import type { ParameterStore, Stretch } from './parameters.ts'

/** What changes from step to step. */
export interface Settings {
  rate: number
  /** Factor on the gradient, from clipping. */
  scale: number
  decay: number
  proximal: number
  /** Powers of Adam's decays, multiplied up so that every JavaScript engine gets the same bits. */
  power1: number
  power2: number
}

/** What is updated, and `anchor`, the address of the parameters the proximal term pulls towards. */
export interface Region {
  readonly stretches: readonly Stretch[]
  readonly anchor: number
}

export function update(
  machine: Machine,
  store: ParameterStore,
  optimiser: OptimiserName,
  { stretches, anchor }: Region,
  settings: Settings,
): Call[] {
  const { kernels } = machine
  return stretches.map(({ kernels: decayed, offset, floats }): Call => {
    const [w, g, a] = [store.values + offset, store.gradient + offset, anchor + offset]
    const decay = (): number => (decayed ? settings.decay : 0)
    switch (optimiser) {
      case 'sgd':
        return () => kernels.descend(w, g, a, floats, settings.rate, settings.scale, decay(), settings.proximal)
      case 'momentum': {
        const velocity = store.moments[0] + offset
        const momentum = rules.momentum.decay
        return () =>
          kernels.descendWithMomentum(
            w,
            g,
            a,
            floats,
            settings.rate,
            settings.scale,
            decay(),
            settings.proximal,
            velocity,
            momentum,
          )
      }
      case 'adam': {
        const { decay1, decay2, epsilon } = rules.adam
        const [mean, square] = store.moments.map((moment) => moment + offset)
        return () =>
          kernels.descendWithAdam(
            w,
            g,
            a,
            floats,
            settings.rate,
            settings.scale,
            decay(),
            settings.proximal,
            mean,
            square,
            decay1,
            decay2,
            1 / (1 - settings.power1),
            1 / (1 - settings.power2),
            epsilon,
          )
      }
      default:
        return unreachable(optimiser)
    }
  })
}
