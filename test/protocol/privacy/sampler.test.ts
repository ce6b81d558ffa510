/** The samplers against what they claim to draw from; seeds are fixed, and each chance of failing was below one in a million. */

import { afterEach, describe, expect, test, vi } from 'vitest'
import { addDiscreteGaussian } from '../../../protocol/privacy/discrete-gaussian-sampler.ts'
import { secretNormals } from '../../../protocol/privacy/secret-normals.ts'
import { chiSquareP, discreteGaussianPmf, seededRandom, variance } from '../../support/noise.ts'

const alpha = 1e-6

function samples(sigma: number, length: number, seed: string): Int32Array {
  const vector = new Int32Array(length)
  addDiscreteGaussian(vector, { start: 0, length, sigma }, seededRandom(seed))
  return vector
}

describe('the discrete Gaussian', () => {
  test.each([1, 2, 3, 10, 32])('of sigma %i has the exact probabilities', (sigma) => {
    const length = 100_000
    const reach = Math.ceil(4.2 * sigma)
    const pmf = discreteGaussianPmf(sigma, 12 * sigma).slice(12 * sigma - reach, 12 * sigma + reach + 1)
    const counts = pmf.map(() => 0)
    let beyond = 0
    for (const x of samples(sigma, length, `sigma ${sigma}`)) {
      if (Math.abs(x) <= reach) counts[x + reach]++
      else beyond++
    }
    // The sparse tails count as one class.
    const dense = pmf.flatMap((p, i) => (p * length >= 10 ? [i] : []))
    const rest = counts.reduce((sum, count, i) => (dense.includes(i) ? sum : sum + count), beyond)
    const inside = dense.reduce((sum, i) => sum + pmf[i], 0)
    const observed = [...dense.map((i) => counts[i]), rest]
    expect(chiSquareP(observed, [...dense.map((i) => pmf[i] * length), (1 - inside) * length])).toBeGreaterThan(alpha)
  })

  test.each([
    // To 40 digits in the reference figures: probabilities of 0, 1 and 5.
    [1, 0.3989422782668617, 0.24197072322446062, 1.486719506779492e-6],
    [2, 0.19947114020071635, 0.17603266338214973, 0.008764150246784268],
    [10, 0.03989422804014327, 0.03969525474770118, 0.035206532676429945],
    [32, 0.012466946262544772, 0.012460860372373959, 0.012315686951770698],
  ])('of sigma %i: the probabilities it is held against are the reference ones', (sigma, p0, p1, p5) => {
    const pmf = discreteGaussianPmf(sigma, 12 * sigma)
    for (const [x, p] of [
      [0, p0],
      [1, p1],
      [5, p5],
    ]) {
      expect(pmf[12 * sigma + x]).toBeCloseTo(p, 10)
    }
  })

  test.each([1000, 65_537, 2 ** 19 + 1, 2 ** 20])(
    'of sigma %i: sigma is the standard deviation, not the variance',
    (sigma) => {
      const drawn = samples(sigma, 40_000, `wide ${sigma}`)
      // The standard error of a variance of n normals is sqrt(2 / n) of it.
      expect(Math.abs(variance(drawn) / sigma ** 2 - 1)).toBeLessThan(5 * Math.sqrt(2 / 40_000))
      const sixteenths = Array.from({ length: 16 }, () => 0)
      for (const x of drawn) sixteenths[((x % 16) + 16) % 16]++
      expect(
        chiSquareP(
          sixteenths,
          sixteenths.map(() => 40_000 / 16),
        ),
      ).toBeGreaterThan(alpha)
    },
  )

  test('is the same in a ring of 64 bits, leaves the other numbers alone, and wraps at the ring', () => {
    const wide = new BigInt64Array(8).fill(5n)
    addDiscreteGaussian(wide, { start: 2, length: 4, sigma: 100 }, seededRandom('ring'))
    const narrow = new Int32Array(8).fill(5)
    addDiscreteGaussian(narrow, { start: 2, length: 4, sigma: 100 }, seededRandom('ring'))
    expect(Array.from(wide, Number)).toEqual([...narrow])
    expect([narrow[0], narrow[1], narrow[6], narrow[7]]).toEqual([5, 5, 5, 5])
    expect([...narrow.subarray(2, 6)]).not.toContain(5)
    const edge = new Int32Array(1).fill(2 ** 31 - 1)
    addDiscreteGaussian(edge, { start: 0, length: 1, sigma: 2 ** 20 }, seededRandom('edge'))
    expect(edge[0]).not.toBe(2 ** 31 - 1)
  })

  afterEach(() => vi.restoreAllMocks())

  test('no float comes near it: not one of the functions that round is called', () => {
    for (const name of ['exp', 'expm1', 'log', 'log1p', 'log2', 'sqrt', 'pow', 'sin', 'cos', 'random'] as const) {
      vi.spyOn(Math, name).mockImplementation(() => {
        throw new Error(`Math.${name} in the path of secret noise`)
      })
    }
    expect(() => samples(12_345, 2000, 'whole')).not.toThrow()
  })

  test.each([0, -1, 0.5, 2 ** 20 + 1, Number.NaN])('a sigma of %d is refused', (sigma) => {
    expect(() => samples(sigma, 1, 'none')).toThrow('no sampler')
  })
})

test('secret normals have deviation 1, are symmetric, and are not tied to the ones before', () => {
  const normal = secretNormals(seededRandom('normals'))
  const drawn = Float64Array.from({ length: 100_000 }, () => normal())
  expect(Math.abs(variance(drawn) - 1)).toBeLessThan(5 * Math.sqrt(2 / 100_000))
  const edges = [-2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2]
  const shares = [0.02275, 0.04406, 0.09185, 0.14988, 0.19146, 0.19146, 0.14988, 0.09185, 0.04406, 0.02275]
  const counts = shares.map(() => 0)
  for (const x of drawn) counts[edges.filter((edge) => x > edge).length]++
  expect(
    chiSquareP(
      counts,
      shares.map((share) => share * 100_000),
    ),
  ).toBeGreaterThan(alpha)
  const lagged = drawn.slice(1).reduce((sum, x, i) => sum + x * drawn[i], 0)
  expect(Math.abs(lagged) / Math.sqrt(100_000)).toBeLessThan(5)
})
