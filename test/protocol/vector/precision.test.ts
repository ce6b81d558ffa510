import { expect, test } from 'vitest'
import { computationOf, planMenus } from '../../../learning/computation.ts'
import { parsePlan } from '../../../protocol/plan.ts'
import { precisionOf, precisionText } from '../../../protocol/vector/precision.ts'

const planOf = (bits: number, features: number, privacy = { name: 'none' }) =>
  parsePlan(
    {
      ...{ concordat: 1, name: 'test', algorithm: { name: 'fed-avg', clip: 1 }, model: { name: 'logistic' } },
      data: {
        columns: Array.from({ length: features }, (_, i) => ({ name: `x${i}`, type: 'number', range: [0, 1] })),
        label: { column: 'y', type: 'binary', positive: ['1'], negative: ['0'] },
      },
      encoding: { bits },
      privacy,
    },
    planMenus,
  )

const linesOf = (bits: number, features: number) => {
  const request = computationOf(planOf(bits, features), 4).algorithm.preview?.()
  return request === undefined ? [] : precisionOf(request, 4).map(precisionText)
}

test('a plan says before it runs to what its updates are rounded', () => {
  // Four sites of norm 1 share 16 bits: 4 (s + 1) < 2^15, so s = 2^12.
  expect(linesOf(16, 10)).toEqual([
    'update: 16 bits a number; a site rounds to steps of 0.00024, the mean of all sites is off by 0.000061',
  ])
  // Spread over 1,024 numbers a norm of 1 is at most 5 / 32 in each: s = 2^15.
  expect(linesOf(16, 1023)).toEqual([
    'update: 16 bits a number, spread by a rotation; a site rounds to steps of 0.000031, the mean of all sites is off by 0.0000076',
  ])
  expect(linesOf(32, 10)).toEqual([
    'update: 32 bits a number; a site rounds to steps of 3.7e-9, the mean of all sites is off by 9.3e-10',
  ])
})

test('updates alone take the bits of the plan: counts, weights and losses keep 32, statistics 64', () => {
  const { algorithm } = computationOf(planOf(16, 10), 4)
  const training = algorithm.preview?.()
  expect(training?.bits).toBe(32)
  expect(training?.lanes.filter(({ bits }) => bits !== undefined).map(({ name }) => name)).toEqual(['update'])
  expect(training?.lanes.length).toBeGreaterThan(5)
  const statistics = algorithm.request(algorithm.init())
  expect(statistics?.bits).toBe(64)
  expect(statistics?.lanes.every(({ bits }) => bits === undefined)).toBe(true)
})

test('a mechanism around the algorithm shows in what is previewed', () => {
  const plan = { ...planOf(16, 10), privacy: { name: 'clip', clip: 0.25 } }
  const request = computationOf(plan, 4).algorithm.preview?.()
  expect(request?.lanes.find(({ name }) => name === 'update')?.l2).toBe(0.25)
})
