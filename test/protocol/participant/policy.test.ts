import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { policyText } from '../../../client-node/policy-file.ts'
import { planMenus } from '../../../learning/computation.ts'
import type { SumRequest } from '../../../protocol/algorithm.ts'
import { clockOf, endOfDay } from '../../../protocol/moment.ts'
import {
  dataFaults,
  defaultPolicy,
  inForce,
  noPolicy,
  type Policy,
  parsePolicy,
  planFaults,
  releaseCells,
  roundFaults,
} from '../../../protocol/participant/policy.ts'
import { parsePlan } from '../../../protocol/plan.ts'

const written = {
  concordat: 1,
  name: 'p',
  algorithm: { name: 'fed-avg' },
  model: { name: 'logistic' },
  data: {
    columns: [
      { name: 'age', type: 'number', range: [0, 120] },
      { name: 'town', type: 'category', categories: Array.from({ length: 41 }, (_, i) => `t${i}`) },
    ],
    label: { column: 'sick', type: 'binary', positive: ['1'], negative: ['0'] },
  },
}
const plan = parsePlan(written, planMenus)
const policy = (changes: object): Policy => parsePolicy({ concordat: 1, confirmed: true, ...changes })
const gaussian = (count: number) => ({
  ...{ type: 'gaussian' as const, noiseMultiplier: 4, sampling: { type: 'all' as const }, count },
})
const proposal = { plan, honest: 3, author: undefined, protected: true, whole: [gaussian(1)] }
const rules = (faults: readonly { readonly rule: string }[]): string[] => faults.map(({ rule }) => rule)
const at = (text: string, zone = 0) => ({ instant: Date.parse(text), zone })
const later = parsePlan({ ...written, study: { terms: 'science', expires: '2027-06-30' } }, planMenus)

test('the file that is written says what the schema takes as its defaults', () => {
  expect(parsePolicy(parse(policyText))).toEqual(defaultPolicy)
})

test('without a confirmation, or after its last day, nothing is in force', () => {
  expect(() => inForce(defaultPolicy, at('2026-01-01'))).toThrow(
    expect.objectContaining({ code: 'ERR_POLICY_UNCONFIRMED' }),
  )
  const ends = policy({ expires: '2026-12-31' })
  expect(() => inForce(ends, at('2026-12-31T23:59:59Z'))).not.toThrow()
  expect(() => inForce(ends, at('2027-01-01T00:00:00Z'))).toThrow(
    expect.objectContaining({ code: 'ERR_POLICY_EXPIRED' }),
  )
  // Half past eleven in the evening of the last day, two hours ahead of UTC.
  expect(() => inForce(ends, at('2026-12-31T22:30:00Z', 120))).toThrow()
  expect(() => inForce(ends, at('2026-12-31T21:30:00Z', 120))).not.toThrow()
})

test('an unknown key is a fault, not a rule that nobody applies', () => {
  expect(() => policy({ minimumRow: 100 })).toThrow(/unknown key "minimumRow"/)
})

describe('each rule refuses what it is for, and nothing else', () => {
  const narrow = { maximumCategories: null }
  test.each<[string, object, object, string[]]>([
    ['the defaults, no noise', narrow, { protected: false }, ['privacy.unprotected']],
    ['no noise, allowed', { ...narrow, privacy: { unprotected: true } }, { protected: false }, []],
    ['many categories', {}, {}, ['maximumCategories']],
    ['an algorithm', { ...narrow, algorithms: ['statistics'] }, {}, ['algorithms']],
    ['a model', { ...narrow, models: ['mlp'] }, {}, ['models']],
    ['the label is a column too', { ...narrow, columns: ['age', 'town'] }, {}, ['columns']],
    ['a mechanism', { ...narrow, privacy: { mechanisms: ['dp-sgd'] } }, {}, ['privacy.mechanisms']],
    ['all rounds together', { ...narrow, privacy: { epsilon: 2 } }, { whole: [gaussian(40)] }, ['privacy.epsilon']],
    [
      'all rounds together of a plan that hides nobody',
      { ...narrow, privacy: { unprotected: true } },
      { protected: false, whole: [{ type: 'unprotected', count: 1 }] },
      [],
    ],
    ['a small cohort', { ...narrow, minimumSites: 4 }, {}, ['minimumSites']],
    ['no author', { ...narrow, authors: [{ name: 'A', identity: 'ab'.repeat(32) }] }, {}, ['authors']],
    ['the author', { ...narrow, authors: [{ name: 'A', identity: 'ab'.repeat(32) }] }, { author: 'ab'.repeat(32) }, []],
  ])('%s', (_, changes, differs, expected) => {
    expect(rules(planFaults(policy(changes), { ...proposal, ...differs }))).toEqual(expected)
  })

  test('a sum of too few honest contributions', () => {
    expect(rules(planFaults(policy({ maximumCategories: null }), { ...proposal, honest: 2 }))).toEqual(['minimumSites'])
  })

  test('rows, categories a row and parameters a row are measured on the own table', () => {
    expect(rules(dataFaults(policy({}), { plan, rows: 2, parameters: 1 }))).toEqual([
      'minimumRows',
      'categoriesPerRow',
      'parametersPerRow',
    ])
    expect(dataFaults(policy({}), { plan, rows: 125, parameters: 41 })).toEqual([])
    expect(rules(dataFaults(policy({}), { plan, rows: 125, parameters: 42 }))).toEqual(['parametersPerRow'])
  })

  test('hours are those of the site, and their end is outside', () => {
    const hours = { days: ['mon', 'tue'], from: '19:00', to: '24:00' }
    const faults = (now: ReturnType<typeof at>): string[] =>
      rules(roundFaults(policy({ hours }), { plan, now, charged: [], protected: false }))
    expect(faults(at('2026-11-23T19:00:00Z'))).toEqual([])
    expect(faults(at('2026-11-23T18:59:00Z'))).toEqual(['hours'])
    expect(faults(at('2026-11-23T18:59:00Z', 60))).toEqual([])
    expect(faults(at('2026-11-25T20:00:00Z'))).toEqual(['hours'])
  })

  test('a study that has ended has no more rounds', () => {
    const faults = (text: string): string[] =>
      rules(roundFaults(policy({}), { plan: later, now: at(text), charged: [], protected: false }))
    expect(faults('2027-06-30T23:00:00Z')).toEqual([])
    expect(faults('2027-07-01T00:00:00Z')).toEqual(['study.expires'])
  })

  test('a round that would cost more than the policy allows is refused before it is computed', () => {
    const round = { type: 'gaussian', noiseMultiplier: 1, sampling: { type: 'all' }, count: 1 } as const
    const faults = (count: number): string[] =>
      rules(
        roundFaults(policy({ privacy: { epsilon: 8 } }), {
          plan,
          now: at('2026-01-01'),
          charged: [{ ...round, count }],
          protected: true,
        }),
      )
    // One round of this noise costs epsilon 4.7 at 1e-5, two cost 7.1, three 9.0.
    expect([1, 2, 3].map(faults)).toEqual([[], [], ['privacy.epsilon']])
  })
})

describe('small cells of tables', () => {
  const request: SumRequest = {
    purpose: 't',
    bits: 64,
    lanes: [
      { name: 'histogram', length: 5, bound: 1000, kind: 'integer', cells: true },
      { name: 'rows', length: 1, bound: 1000, kind: 'integer' },
    ],
  }
  const lanes = { histogram: Float64Array.of(0, 1, 2, 3, 9), rows: Float64Array.of(2) }

  test('count as empty, and other numbers stay', () => {
    expect(releaseCells(policy({}), request, lanes)).toEqual({
      lanes: { histogram: Float64Array.of(0, 0, 0, 3, 9), rows: Float64Array.of(2) },
      suppressed: 2,
    })
  })

  test('are refused where the policy says so, and only then', () => {
    const refuse = policy({ smallCells: 'refuse' })
    expect(releaseCells(refuse, request, lanes)).toMatchObject({ rule: 'minimumCell' })
    const large = { ...lanes, histogram: Float64Array.of(0, 3, 4, 5, 6) }
    expect(releaseCells(refuse, request, large)).toMatchObject({ suppressed: 0 })
  })

  test('no count between nothing and the least one ever leaves', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(20), { minLength: 5, maxLength: 5 }),
        fc.integer({ min: 1, max: 10 }),
        (cells, least) => {
          const released = releaseCells(policy({ minimumCell: least }), request, {
            ...lanes,
            histogram: Float64Array.from(cells),
          })
          if ('rule' in released) throw new Error('suppressed, not refused')
          expect([...released.lanes.histogram]).toEqual(cells.map((count) => (count < least ? 0 : count)))
        },
      ),
      { seed: 8, numRuns: 100 },
    )
  })
})

test('the policy of a simulation allows what the default refuses', () => {
  expect(planFaults(noPolicy, { ...proposal, protected: false })).toEqual([])
  expect(dataFaults(noPolicy, { plan, rows: 1, parameters: 1e6 })).toEqual([])
})

test('the calendar is the machine’s', () => {
  fc.assert(
    fc.property(fc.date({ min: new Date('1970-01-01'), max: new Date('2200-01-01'), noInvalidDate: true }), (date) => {
      const day = date.toISOString().slice(0, 10)
      expect(endOfDay(day, { zone: 0 })).toBe(Date.parse(`${day}T23:59:59.999Z`))
      const names = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']
      expect(clockOf({ instant: date.getTime(), zone: 0 })).toEqual({
        day: names[date.getUTCDay()],
        minutes: date.getUTCHours() * 60 + date.getUTCMinutes(),
      })
    }),
    { seed: 8, numRuns: 200 },
  )
})
