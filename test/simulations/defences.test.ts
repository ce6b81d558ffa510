import { describe, expect, test } from 'vitest'
import { Stream } from '../../protocol/stream.ts'
import { attacks } from '../../simulations/attacks/index.ts'
import { largestDeviation } from '../../simulations/attacks/little-is-enough.ts'
import { defended, type Point } from '../../simulations/defences/defence.ts'
import { defences } from '../../simulations/defences/index.ts'
import { choose } from '../../simulations/menu.ts'

const merge = (name: string, points: readonly Point[], options = {}, root?: Float64Array) =>
  choose(defences, { name, ...options }, 'simulation.defence').merge(points, root)
const point = (...update: number[]): Point => ({ update: Float64Array.from(update), weight: 0.1 })

/** Nine honest points about (1, 2) and three that cheat together, far away. */
const stream = new Stream('defences')
const honest = Array.from({ length: 9 }, () => point(1 + 0.1 * stream.normal(), 2 + 0.1 * stream.normal()))
const cheating = Array.from({ length: 3 }, () => point(-50, -100))
const all = [...honest, ...cheating]

describe.each([
  ['median', {}],
  ['trimmed-mean', { trim: 0.25 }],
  ['krum', { cheats: 0.25 }],
  ['krum', { cheats: 0.25, keep: 0.5 }],
  ['geometric-median', { iterations: 30 }],
  ['centred-clipping', { iterations: 20 }],
  ['norm-bound', {}],
  ['fl-trust', {}],
] as const)('%s %o', (name, options) => {
  test('with a quarter of cheats far away it stays by the honest, where the mean does not', () => {
    const root = Float64Array.of(1.1, 1.9)
    const [x, y] = merge(name, all, options, root)
    // A bound on norms only keeps the cheats from drowning the others.
    const near = name === 'norm-bound' ? 1.3 : 0.5
    expect(Math.hypot(x - 1, y - 2)).toBeLessThan(near)
    expect(Math.hypot((9 - 150) / 12 - 1, (18 - 300) / 12 - 2)).toBeGreaterThan(25)
  })

  test('where all say the same it says so too', () => {
    const same = Array.from({ length: 7 }, () => point(0.5, -1))
    const [x, y] = merge(name, same, options, Float64Array.of(0.5, -1))
    expect(x).toBeCloseTo(0.5, 4)
    expect(y).toBeCloseTo(-1, 4)
  })
})

test('small examples by hand', () => {
  const points = [point(1), point(2), point(9)]
  expect([...merge('median', points)]).toEqual([2])
  expect([...merge('trimmed-mean', points, { trim: 0.33 })]).toEqual([2])
  // With f = 0 and n = 3 each counts its nearest neighbour: 1, 1 and 49; the first wins.
  expect([...merge('krum', points, { cheats: 0 })]).toEqual([1])
  expect(merge('norm-bound', points, { norm: 3 })[0]).toBeCloseTo((1 + 2 + 3) / 3, 12)
  // Trust 1 for the two that point as the root does, at its length; none for the third.
  expect(merge('fl-trust', [point(4), point(0.1), point(-9)], {}, Float64Array.of(2))[0]).toBeCloseTo(2, 12)
})

test('the other lanes of the sum stay as they were', () => {
  const groups = [1, 2, 30].map((value, site) => ({
    sites: [site],
    lanes: { update: Float64Array.of(0.25 * value), weight: Float64Array.of(0.25), loss: Float64Array.of(value) },
  }))
  const request = { purpose: '', bits: 32 as const, lanes: ['update', 'weight', 'loss'].map(lane) }
  const sum = defended(choose(defences, { name: 'median' }, ''), groups, { root: undefined, request })
  expect(sum.weight[0]).toBe(0.75)
  expect(sum.loss[0]).toBe(33)
  expect(sum.update[0]).toBeCloseTo(0.75 * 2, 12)
})

function lane(name: string) {
  return { name, length: 1, bound: 100, kind: 'real' as const }
}

const exchange = (name: string, updates: readonly number[], options = {}) => {
  const scene = {
    round: 1,
    sites: 10,
    stream: new Stream('cheats'),
    request: { purpose: '', bits: 32 as const, lanes: [] },
  }
  const attack = choose(attacks, { name, ...options }, 'simulation.attack')
  return (
    attack.exchange?.(
      updates.map((value) => Float64Array.of(value)),
      scene,
    ) ?? []
  ).map(([value]) => value)
}

describe('attacks say instead of 1 and 3', () => {
  test.each([
    ['sign-flip', { factor: 2 }, [-2, -6]],
    ['scaling', { factor: 10 }, [10, 30]],
    ['inner-product', { epsilon: 0.5 }, [-1, -1]],
    ['free-rider', {}, [0, 0]],
    // The mean 2 less one deviation, which is 1.
    ['little-is-enough', { deviations: 1 }, [1, 1]],
    // Two of ten: each update counts five times.
    ['backdoor', {}, [5, 15]],
  ])('%s', (name, options, expected) => {
    expect(exchange(name, [1, 3], options)).toEqual(expected)
  })

  test('with 50 sites of which 24 cheat, the paper moves by 1.5 deviations', () => {
    // s = 50 / 2 + 1 - 24 = 2 supporters; 24 of 26 lie nearer: the quantile of 0.923.
    expect(largestDeviation(50, 24)).toBeCloseTo(1.43, 1)
  })
})
