import '../../support/relaxed-simd.ts'
import { describe } from 'vitest'
import type { Variant } from '../../../learning/engine/compiled/machine.ts'
import { compiledTrainer } from '../../../learning/engine/compiled/trainer.ts'
import { trainerContract } from '../../contracts/trainer.ts'

for (const variant of ['simd128', 'relaxed'] satisfies Variant[]) {
  describe(`compiled ${variant}`, () => {
    trainerContract(compiledTrainer({ variant }))
  })
}
