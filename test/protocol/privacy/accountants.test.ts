import { existsSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { leastNoise } from '../../../protocol/privacy/accountants/calibrate.ts'
import { pldEpsilon } from '../../../protocol/privacy/accountants/pld.ts'
import { epsilonFromRdp, rdpEpsilon } from '../../../protocol/privacy/accountants/rdp.ts'
import { sampledGaussianRdp } from '../../../protocol/privacy/accountants/sampled-gaussian.ts'
import { normalCdf } from '../../../protocol/privacy/accountants/special.ts'
import { rhoOf, zcdpEpsilon } from '../../../protocol/privacy/accountants/zcdp.ts'
import type { PrivacyEvent } from '../../../protocol/privacy/event.ts'

const wholeOrders = Array.from({ length: 255 }, (_, i) => i + 2)

const sampled = (noiseMultiplier: number, rate: number, count: number): PrivacyEvent => ({
  type: 'gaussian',
  noiseMultiplier,
  sampling: rate === 1 ? { type: 'all' } : { type: 'poisson', rate },
  count,
})

const fixedSize = (
  noiseMultiplier: number,
  batches: { readonly population: number; readonly batch: number },
  count: number,
): PrivacyEvent => ({
  ...{ type: 'gaussian', noiseMultiplier, count },
  sampling: { type: 'fixed-size', ...batches },
})

/** Balle and Wang 2018, theorem 8: the exact delta of a Gaussian with noise multiplier z. */
const gaussianDelta = (z: number, epsilon: number): number =>
  normalCdf(1 / (2 * z) - epsilon * z) - Math.exp(epsilon) * normalCdf(-1 / (2 * z) - epsilon * z)

describe('the Rényi accountant', () => {
  test('gives a Gaussian on all records order / (2 z²) at every order', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.3, max: 20, noNaN: true }),
        fc.double({ min: 1.1, max: 60, noNaN: true }),
        (z, a) => {
          expect(sampledGaussianRdp({ noiseMultiplier: z, rate: 1 }, [a])[0]).toBeCloseTo(a / (2 * z * z), 12)
        },
      ),
    )
  })

  test('grows with the sampling rate and the order, and falls with the noise', () => {
    const rdp = (z: number, q: number, order: number): number =>
      sampledGaussianRdp({ noiseMultiplier: z, rate: q }, [order])[0]
    fc.assert(
      fc.property(
        fc.double({ min: 0.5, max: 4, noNaN: true }),
        fc.double({ min: 0.001, max: 0.4, noNaN: true }),
        fc.double({ min: 1.2, max: 30, noNaN: true }),
        (z, q, order) => {
          expect(rdp(z, 2 * q, order)).toBeGreaterThan(rdp(z, q, order))
          expect(rdp(z, q, order + 1)).toBeGreaterThan(rdp(z, q, order))
          expect(rdp(1.1 * z, q, order)).toBeLessThan(rdp(z, q, order))
        },
      ),
    )
  })

  test('says infinity as soon as one release was unprotected', () => {
    expect(rdpEpsilon([sampled(1, 0.01, 10), { type: 'unprotected', count: 1 }], 1e-5)).toBe(Number.POSITIVE_INFINITY)
  })

  const orders = [2, 3, 5, 8, 16, 32, 64]
  test('does not take a batch of fixed size for a Poisson sample: it costs more, and less than all records do', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.8, max: 30, noNaN: true }),
        fc.integer({ min: 1, max: 900 }),
        fc.integer({ min: 1, max: 500 }),
        (z, batch, count) => {
          const fixed = fixedSize(z, { population: 1000, batch }, count)
          const epsilon = rdpEpsilon([fixed], 1e-5, orders)
          expect(epsilon).toBeGreaterThanOrEqual(rdpEpsilon([sampled(z, batch / 1000, count)], 1e-5, orders) * 0.999)
          expect(epsilon).toBeLessThanOrEqual(rdpEpsilon([sampled(z, 1, count)], 1e-5, orders) * 1.001)
        },
      ),
      { numRuns: 30, seed: 5 },
    )
    const [all, batch] = [sampled(2, 1, 1), fixedSize(2, { population: 50, batch: 50 }, 1)]
    expect(rdpEpsilon([batch], 1e-5)).toBeCloseTo(rdpEpsilon([all], 1e-5), 12)
  })
})

describe('the loss-distribution accountant', () => {
  test('is exact for Gaussians on all records: at most 1e-3 above the closed form, never below', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.8, max: 6, noNaN: true }),
        fc.integer({ min: 1, max: 20 }),
        fc.constantFrom(1e-5, 1e-7),
        (z, count, delta) => {
          const epsilon = pldEpsilon([sampled(z * Math.sqrt(count), 1, count)], delta) ?? Number.NaN
          // `count` Gaussians of z √count are one Gaussian of z.
          expect(gaussianDelta(z, epsilon)).toBeLessThanOrEqual(delta * (1 + 1e-6))
          expect(gaussianDelta(z, epsilon - 1e-3)).toBeGreaterThan(delta)
        },
      ),
      { numRuns: 4 },
    )
  })

  test('is never above the Rényi accountant', () => {
    for (const [noise, rate, count] of [
      [1, 0.01, 100],
      [0.7, 0.05, 40],
      [2, 0.3, 200],
    ]) {
      const events = [sampled(noise, rate, count)]
      expect(pldEpsilon(events, 1e-5)).toBeLessThan(rdpEpsilon(events, 1e-5))
    }
  })

  test('leaves events it does not know to the other accountant', () => {
    expect(pldEpsilon([{ type: 'zcdp', rho: 1, count: 1 }], 1e-5)).toBeUndefined()
  })
})

describe('the concentrated accountant', () => {
  test('adds rho over releases, and is never below the Rényi accountant at its orders by more than their spacing', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0.7, max: 30, noNaN: true }), { minLength: 1, maxLength: 5 }), (zs) => {
        const events = zs.map((z) => sampled(z, 1, 2))
        const rho = rhoOf(events) ?? Number.NaN
        expect(rho).toBeCloseTo(
          zs.reduce((sum, z) => sum + 1 / z ** 2, 0),
          9,
        )
        const epsilon = zcdpEpsilon(rho, 1e-6)
        expect(epsilon).toBeLessThanOrEqual(rdpEpsilon(events, 1e-6) + 1e-9)
        expect(epsilon).toBeGreaterThan(0.9 * rdpEpsilon(events, 1e-6))
        expect(epsilon).toBeLessThan(rho + 2 * Math.sqrt(rho * Math.log(1e6)))
      }),
      { numRuns: 50, seed: 6 },
    )
  })

  test('takes sums of discrete Gaussians, and leaves sampled events to the others', () => {
    const part = { shares: 9, deviation: 100, l2: 30, l1: 60, dimension: 4 }
    const event: PrivacyEvent = { type: 'discrete-gaussian', parts: [part, part], rate: 1, count: 5 }
    expect(rhoOf([event])).toBeCloseTo(5 * 2 * 0.5 * (30 / 300) ** 2, 12)
    expect(rhoOf([{ type: 'zcdp', rho: 0.25, count: 4 }])).toBe(1)
    expect(rhoOf([{ ...event, rate: 0.5 }])).toBeUndefined()
    expect(rhoOf([sampled(1, 0.5, 1)])).toBeUndefined()
    expect(zcdpEpsilon(rhoOf([{ type: 'unprotected', count: 1 }]) ?? 0, 1e-5)).toBe(Number.POSITIVE_INFINITY)
    expect(zcdpEpsilon(0, 1e-5)).toBe(0)
  })
})

test('the least noise keeps epsilon, and a hair less does not', () => {
  const epsilonOf = (noise: number): number => rdpEpsilon([sampled(noise, 0.02, 500)], 1e-5)
  const noise = leastNoise(2, epsilonOf)
  expect(epsilonOf(noise)).toBeLessThanOrEqual(2)
  expect(epsilonOf(noise * 0.9999)).toBeGreaterThan(2)
})

const path = '../shared/reference/dp_reference.json'

const step = z.object({ noise_multiplier: z.number(), sampling_rate: z.number(), steps: z.number() })
const referenceSchema = z.object({
  poisson_subsampled_gaussian: z.array(
    step.extend({
      ...{ delta: z.number(), dp_accounting_rdp_eps: z.number(), dp_accounting_pld_eps: z.number() },
      ...{ opacus_rdp_eps: z.number(), dp_accounting_rdp_eps_integer_orders_2_256: z.number() },
    }),
  ),
  heterogeneous_composition: z.array(
    z.object({
      ...{ history: z.array(step), delta: z.number() },
      ...{ opacus_rdp_eps: z.number(), dp_accounting_pld_eps: z.number() },
    }),
  ),
  raw_rdp_one_step: z.array(
    z.object({
      ...{ sampling_rate: z.number(), noise_multiplier: z.number(), order: z.number() },
      rdp_mpmath_str: z.string().nullable(),
    }),
  ),
  rdp_to_eps_conversion: z.array(
    z.object({
      ...{ orders: z.array(z.number()), rdp: z.array(z.number()) },
      ...{ delta: z.number(), dp_accounting_eps: z.number() },
    }),
  ),
  calibration: z.array(
    z.object({
      ...{ target_eps: z.number(), delta: z.number(), sampling_rate: z.number(), steps: z.number() },
      ...{ noise_multiplier_rdp: z.number(), noise_multiplier_pld: z.number() },
    }),
  ),
  distributed_discrete_gaussian_and_skellam: z.array(
    z.object({
      ...{ num_clients: z.number(), dim: z.number(), scale: z.number(), local_stddev: z.number(), steps: z.number() },
      ...{ sampling_rate: z.number(), delta: z.number(), rounded_l2_norm_scaled: z.number() },
      ...{ rounded_l1_norm_scaled: z.number(), ddg_eps: z.number() },
    }),
  ),
  zcdp_to_eps: z.array(z.object({ rho: z.number(), delta: z.number(), eps_cks_optimal: z.number() })),
  fixed_size_without_replacement_replace_one: z.array(
    z.object({
      ...{ population: z.number(), batch: z.number(), noise_multiplier: z.number(), steps: z.number() },
      ...{ delta: z.number(), dp_accounting_rdp_eps: z.number() },
    }),
  ),
  ddg_poisson_subsampled_integer_orders: z.array(
    z.object({
      ...{ min_honest_noise_shares: z.number(), sigma_int_local: z.number(), sC: z.number(), dim: z.number() },
      ...{ sampling_rate: z.number(), steps: z.number(), delta: z.number(), eps_integer_orders_2_256: z.number() },
    }),
  ),
})

/** |found - wanted| as a share of wanted. */
const off = (found: number, wanted: number): number => Math.abs(found - wanted) / Math.abs(wanted)

describe.skipIf(!existsSync(path))('beside the reference figures', () => {
  const reference = existsSync(path) ? referenceSchema.parse(JSON.parse(readFileSync(path, 'utf8'))) : undefined
  const rows = <K extends keyof z.infer<typeof referenceSchema>>(key: K) => reference?.[key] ?? []

  test('one step agrees with 40-digit arithmetic to 1e-9', () => {
    expect(rows('raw_rdp_one_step').length).toBeGreaterThan(10)
    for (const { noise_multiplier: noiseMultiplier, sampling_rate: rate, order, rdp_mpmath_str } of rows(
      'raw_rdp_one_step',
    )) {
      if (rdp_mpmath_str === null) continue
      expect(off(sampledGaussianRdp({ noiseMultiplier, rate }, [order])[0], Number(rdp_mpmath_str))).toBeLessThan(1e-9)
    }
  })

  test('epsilon of many steps agrees to 1e-3, of mixed ones too', () => {
    for (const row of rows('poisson_subsampled_gaussian')) {
      const events = [sampled(row.noise_multiplier, row.sampling_rate, row.steps)]
      // At fractional orders dp_accounting adds magnitudes and is above the truth; Opacus keeps signs, as the formula does.
      const wanted = Math.min(row.dp_accounting_rdp_eps, row.opacus_rdp_eps)
      expect(off(rdpEpsilon(events, row.delta), wanted)).toBeLessThan(1e-3)
      const whole = rdpEpsilon(events, row.delta, wholeOrders)
      expect(off(whole, row.dp_accounting_rdp_eps_integer_orders_2_256)).toBeLessThan(1e-3)
    }
    for (const { history, delta, opacus_rdp_eps: wanted } of rows('heterogeneous_composition')) {
      const events = history.map((h) => sampled(h.noise_multiplier, h.sampling_rate, h.steps))
      expect(off(rdpEpsilon(events, delta), wanted)).toBeLessThan(1e-3)
    }
  })

  test('loss distributions are at most 1e-2 above and never more than 1e-4 below', () => {
    const close = (found: number | undefined, wanted: number): void => {
      expect(found).toBeLessThan(wanted + 1e-2)
      expect(found).toBeGreaterThan(wanted - 1e-4)
    }
    for (const row of rows('poisson_subsampled_gaussian')) {
      const events = [sampled(row.noise_multiplier, row.sampling_rate, row.steps)]
      close(pldEpsilon(events, row.delta), row.dp_accounting_pld_eps)
    }
    for (const { history, delta, dp_accounting_pld_eps: wanted } of rows('heterogeneous_composition')) {
      const events = history.map((h) => sampled(h.noise_multiplier, h.sampling_rate, h.steps))
      close(pldEpsilon(events, delta), wanted)
    }
  })

  test('the conversion to epsilon agrees to 1e-9', () => {
    for (const { orders, rdp, delta, dp_accounting_eps: wanted } of rows('rdp_to_eps_conversion')) {
      expect(epsilonFromRdp({ orders, rdp }, delta)).toBeCloseTo(wanted, 9)
    }
  })

  test('batches of fixed size agree to 1e-3', () => {
    expect(rows('fixed_size_without_replacement_replace_one').length).toBeGreaterThan(2)
    for (const row of rows('fixed_size_without_replacement_replace_one')) {
      const { population, batch } = row
      const event = fixedSize(row.noise_multiplier, { population, batch }, row.steps)
      expect(off(rdpEpsilon([event], row.delta), row.dp_accounting_rdp_eps)).toBeLessThan(1e-3)
    }
  })

  test('concentrated privacy turns into epsilon as in the reference, to 1e-9', () => {
    expect(rows('zcdp_to_eps').length).toBeGreaterThan(20)
    for (const { rho, delta, eps_cks_optimal: wanted } of rows('zcdp_to_eps')) {
      expect(off(zcdpEpsilon(rho, delta), wanted)).toBeLessThan(1e-9)
    }
  })

  test('the least noise agrees to 1e-3', () => {
    for (const row of rows('calibration')) {
      const noise = leastNoise(row.target_eps, (z) => rdpEpsilon([sampled(z, row.sampling_rate, row.steps)], row.delta))
      expect(off(noise, row.noise_multiplier_rdp)).toBeLessThan(1e-3)
    }
  })

  test('sums of discrete Gaussians agree to 1e-3, sampled ones at whole orders too', () => {
    for (const row of rows('distributed_discrete_gaussian_and_skellam')) {
      if (row.sampling_rate < 1) continue
      const part = {
        ...{ shares: row.num_clients, deviation: row.local_stddev * row.scale, dimension: row.dim },
        ...{ l2: row.rounded_l2_norm_scaled, l1: row.rounded_l1_norm_scaled },
      }
      const event: PrivacyEvent = { type: 'discrete-gaussian', parts: [part], rate: 1, count: row.steps }
      const orders = [...Array.from({ length: 127 }, (_, i) => i + 2), 256]
      expect(off(rdpEpsilon([event], row.delta, orders), row.ddg_eps)).toBeLessThan(1e-3)
    }
    for (const row of rows('ddg_poisson_subsampled_integer_orders')) {
      const l2 = row.sC + Math.sqrt(row.dim)
      const part = {
        ...{ shares: row.min_honest_noise_shares, deviation: row.sigma_int_local },
        ...{ l2, l1: l2 * Math.sqrt(row.dim), dimension: row.dim },
      }
      const event: PrivacyEvent = {
        ...{ type: 'discrete-gaussian', parts: [part] },
        ...{ rate: row.sampling_rate, count: row.steps },
      }
      expect(off(rdpEpsilon([event], row.delta, wholeOrders), row.eps_integer_orders_2_256)).toBeLessThan(1e-3)
    }
  })
})
