/** The browser's side of the bench: a training step of the compiled engine, and mask expansion. */

import type { Variant } from '../../learning/engine/compiled/machine.ts'
import { platformProvider } from '../../protocol/crypto/web/provider.ts'
import { maskSpeed } from '../mask-speed.ts'
import { caseOf, compiledStep, plainSteps } from '../step.ts'

const step = async (name: string, variant: Variant, time: Parameters<typeof caseOf>[2]): Promise<number> => {
  const one = caseOf(name, 32, time)
  return compiledStep(one, variant, plainSteps(one))
}

Object.assign(globalThis, { step, maskSpeed: (megabytes: number) => maskSpeed(platformProvider(), megabytes) })
