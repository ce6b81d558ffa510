import { expect, test } from 'vitest'
import { learn, studies } from '../../../bench/digits.ts'
import { mnistIsHere } from '../../../bench/mnist.ts'

test.skipIf(!mnistIsHere)(
  'the 2NN learns 10,000 digits to 95.5 % in 20 epochs (needs ../shared/data/mnist-subset)',
  async () => {
    expect(await learn(studies['2nn'])).toBeGreaterThanOrEqual(studies['2nn'].target)
  },
)
