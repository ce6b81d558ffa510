/**
 * Differentially private steps: Poisson samples, each row's gradient clipped, noise on the sum. Abadi et al. 2016, "Deep
 * learning with differential privacy", algorithm 1. The clipping needs only the rows' norms, found on the way back; the
 * factors then go into the gradients of the layers' outputs, and the clipped sum is made like any batch's gradient.
 */

import type { Random } from '../../../protocol/random.ts'
import type { PrivateSteps } from '../trainer.ts'
import { bySize, compileForward, type StepParts, type Steps, type Workshop } from './steps.ts'

/** Random words that become noise at once: few enough for the cache. */
const noiseChunk = 16_384

/** Secret bytes drawn at once. */
const poolBytes = 65_536

/**
 * A sample larger than the program's capacity goes through it in parts. The noise is in float32: it hides rows from
 * whoever reads the parameters, not from one who studies their last bits (Mironov 2012).
 */
export function privateSteps(parts: StepParts, privacy: PrivateSteps): Steps {
  const { workshop, place, data, options, descent } = parts
  const { kernels } = workshop.machine
  const { store, target } = workshop.program
  const { clippingNorm, noiseMultiplier, batchRate, expectedRows = data.rows } = privacy
  const random = pooled(privacy.random)
  const partOf = compileParts(parts, clippingNorm)
  const addNoise = compileNoise(workshop, noiseMultiplier * clippingNorm, random)
  const scale = 1 / (batchRate * expectedRows)
  const steps = {
    count: Math.ceil(1 / batchRate),
    seen: 0,
    begin: () => {
      steps.seen = 0
    },
    step: () => {
      const order = workshop.machine.integers(place.order, data.rows)
      const sampled = poissonSample(order, batchRate, random)
      kernels.clear(store.gradient, store.floats)
      target.keepKernel = 1
      target.keepBias = 1
      let loss = 0
      for (let start = 0; start < sampled; start += options.batchSize) {
        place.batch = place.order + 4 * start
        loss += partOf(Math.min(options.batchSize, sampled - start))()
      }
      addNoise()
      descent.end(scale)
      steps.seen += sampled
      return loss
    },
  }
  return steps
}

/** Adds the clipped gradients of the rows of a part; returns the sum of their losses. */
function compileParts(parts: StepParts, clippingNorm: number): (rows: number) => () => number {
  const { workshop, options, data } = parts
  const { machine, program } = workshop
  const { kernels } = machine
  const capacity = Math.min(options.batchSize, data.rows)
  const squares = machine.allocate(2 * capacity)
  const factors = machine.allocate(capacity)
  return bySize((rows) => {
    const forth = compileForward(parts, rows, 1)
    const back = [
      ...program.backpropagate(rows),
      ...program.squaredNorms(rows, squares),
      () => kernels.clipFactors(squares, rows, clippingNorm, factors),
      ...program.scaleGradients(rows, factors),
      ...program.gradients(rows),
    ]
    return () => {
      const loss = forth()
      for (let i = 0; i < back.length; i++) back[i]()
      return loss
    }
  })
}

function compileNoise({ machine, program: { store } }: Workshop, deviation: number, random: Random): () => void {
  const { kernels } = machine
  const words = machine.allocate(noiseChunk)
  return () => {
    if (deviation === 0) return
    for (let start = 0; start < store.floats; start += noiseChunk) {
      const count = Math.min(noiseChunk, store.floats - start)
      machine.bytes(words, 4 * count).set(random.bytes(4 * count))
      kernels.addNormals(store.gradient + 4 * start, count, words, deviation)
    }
    kernels.clear(words, noiseChunk)
  }
}

/** The same generator, asked for more at once: a call costs more than the bytes of a small step. */
function pooled(random: Random): Random {
  let pool: Uint8Array = new Uint8Array(0)
  return {
    bytes: (length) => {
      if (length > poolBytes) return random.bytes(length)
      if (pool.length < length) pool = random.bytes(poolBytes)
      const taken = pool.subarray(0, length)
      pool = pool.subarray(length)
      return taken
    },
  }
}

/**
 * Writes the numbers of the rows that take part to the front of `order`; returns how many. A row takes part if its 32
 * random bits are below `rate` 2^32, rounded down; one byte decides nearly always, so only a tie draws the other three.
 */
function poissonSample(order: Uint32Array, rate: number, random: Random): number {
  const rows = order.length
  const threshold = Math.floor(rate * 2 ** 32)
  const [high, low] = [Math.floor(threshold / 2 ** 24), threshold % 2 ** 24]
  const bytes = random.bytes(rows)
  let count = 0
  for (let row = 0; row < rows; row++) {
    if (bytes[row] > high) continue
    if (bytes[row] === high) {
      const [a, b, c] = random.bytes(3)
      if (a * 65_536 + b * 256 + c >= low) continue
    }
    order[count++] = row
  }
  return count
}
