import { describe } from 'vitest'
import { supports, type Variant } from '../../../learning/engine/compiled/machine.ts'
import { compiledTrainer } from '../../../learning/engine/compiled/trainer.ts'
import { trainerContract } from '../../contracts/trainer.ts'

for (const variant of ['simd128', 'relaxed'] satisfies Variant[]) {
  describe.skipIf(!supports(variant))(`compiled ${variant}`, () => {
    trainerContract(compiledTrainer({ variant }))
  })
}
