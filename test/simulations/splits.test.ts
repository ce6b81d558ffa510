import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Table } from '../../learning/data/table.ts'
import { Stream } from '../../protocol/stream.ts'
import { choose } from '../../simulations/menu.ts'
import { shifts } from '../../simulations/shifts/index.ts'
import { splits } from '../../simulations/splits/index.ts'
import { siteOf } from '../learning/algorithms/plans.ts'

const { table } = siteOf('all', 600, 0)
const split = (name: string, options: object, sites: number, seed = 's', from: Table = table) =>
  choose(splits, { name, ...options }, 'simulation.population.split')(from, sites, new Stream(seed))

/** Share of the most frequent label at a site, on average over the sites. */
function purity(parts: ReturnType<typeof split>): number {
  const shares = parts.map(({ rows }) => {
    const ill = [...rows].filter((row) => table.label?.[row] === 1).length
    return Math.max(ill, rows.length - ill) / rows.length
  })
  return shares.reduce((sum, share) => sum + share, 0) / shares.length
}

describe.each([
  ['iid', {}],
  ['dirichlet', { alpha: 0.1 }],
  ['quantity', { alpha: 0.3 }],
  ['label-shards', { shards: 2 }],
] as const)('%s', (name, options) => {
  test('gives every row to one site, every site two at least, and the same again for the same seed', () => {
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 60 }), fc.string(), (sites, seed) => {
        const parts = split(name, options, sites, seed)
        const rows = parts.flatMap((part) => [...part.rows])
        expect(parts.length).toBe(sites)
        expect(rows.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 600 }, (_, i) => i))
        expect(parts.every((part) => part.rows.length >= 2)).toBe(true)
        expect(split(name, options, sites, seed)).toEqual(parts)
      }),
      { seed: 3, numRuns: 20 },
    )
  })

  test('refuses more sites than there are rows for, with the path', () => {
    expect(() => split(name, options, 500)).toThrow(
      expect.objectContaining({ code: 'ERR_PLAN', where: 'simulation.population.sites' }),
    )
  })
})

test('a small alpha makes sites of one label, a large one makes them alike', () => {
  expect(purity(split('dirichlet', { alpha: 0.02 }, 20))).toBeGreaterThan(0.9)
  expect(purity(split('dirichlet', { alpha: 1000 }, 20))).toBeLessThan(0.7)
  expect(purity(split('label-shards', { shards: 1 }, 20))).toBeGreaterThan(0.95)
})

test('sizes follow the parts a study names', () => {
  expect(split('quantity', { parts: [3, 2, 1] }, 3).map(({ rows }) => rows.length)).toEqual([300, 200, 100])
  expect(() => split('quantity', { parts: [1, 2] }, 3)).toThrow(expect.objectContaining({ code: 'ERR_PLAN' }))
})

test('the categories of a column are the sites; rows without one belong to none', () => {
  const parts = split('by-column', { column: 'k' }, 0)
  expect(parts.map(({ name }) => name)).toEqual(['x', 'y', 'z'])
  expect(() => split('by-column', { column: 'kk' }, 0)).toThrow(/did you mean "k"/)
})

const shifted = (name: string, options: object, seed = 's') =>
  choose(shifts, { name, ...options }, 'simulation.population.shifts.0')(table, new Stream(seed))
const numbers = (from: Table, column: string): readonly number[] => {
  const found = from.columns.find(({ name }) => name === column)
  return found?.type === 'number' ? [...found.values] : []
}

test('a unit error multiplies one column at the sites that err, within the range of the plan', () => {
  const wrong = numbers(shifted('unit-error', { column: 'b', factor: 1.5, share: 1 }), 'b')
  for (const [i, value] of numbers(table, 'b').entries()) expect(wrong[i]).toBe(Math.min(1000, 1.5 * value))
  expect(numbers(shifted('unit-error', { column: 'b', factor: 1.5, share: 0 }), 'b')).toEqual(numbers(table, 'b'))
  expect(() => shifted('unit-error', { column: 'bb', factor: 2 })).toThrow(/did you mean "b"/)
})

test('a feature shift moves all values of a site alike', () => {
  const moved = numbers(shifted('feature-shift', { deviation: 0.01 }), 'b')
  const offsets = numbers(table, 'b').map((value, i) => moved[i] - value)
  expect(Math.max(...offsets) - Math.min(...offsets)).toBeLessThan(1e-9)
  expect(offsets[0]).not.toBe(0)
})
