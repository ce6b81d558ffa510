import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readStatistics, type Statistics, statisticsLanes, sumTable } from '../../../learning/data/statistics.ts'
import { sumLanes } from '../../support/federation.ts'
import { anyRecords, type Record4, schema, tableOf } from './tables.ts'

const bins = 4

/** The statistics of records that lie at several sites, through sums. */
function federated(sites: readonly (readonly Record4[])[]): Statistics {
  const request = { purpose: 'test', bits: 64 as const, lanes: statisticsLanes(schema, bins) }
  return readStatistics(
    schema,
    sumLanes(
      request,
      sites.map((records) => sumTable(tableOf(records), bins)),
    ),
    bins,
  )
}

const present = (records: readonly Record4[], column: 0 | 2) =>
  records.map((record) => record[column]).filter((value) => !Number.isNaN(value))

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

test('sums over sites say what one table with all rows says', () => {
  fc.assert(
    fc.property(fc.array(anyRecords(1), { minLength: 1, maxLength: 4 }), (sites) => {
      const records = sites.flat()
      const { rows, columns, label } = federated(sites)
      expect(rows).toBe(records.length)
      expect(label).toMatchObject({ counts: [0, 1].map((y) => records.filter((record) => record[3] === y).length) })
      expect(columns[1]).toMatchObject({ counts: [0, 1, 2].map((k) => records.filter((each) => each[1] === k).length) })
      for (const [index, column] of [
        [0, 0],
        [2, 2],
      ] as const) {
        const values = present(records, column)
        const found = columns[index]
        if (found.type !== 'number') throw new Error('a number was expected')
        expect([found.count, found.missing]).toEqual([values.length, records.length - values.length])
        if (values.length > 0) expect(found.mean).toBeCloseTo(mean(values), 8)
        else expect(found.mean).toBeUndefined()
        if (values.length < 2) expect(found.variance).toBeUndefined()
        else {
          const centre = mean(values)
          const variance = values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1)
          // Below this spread on the column's range a column counts as constant.
          expect(Math.abs((found.variance ?? Number.NaN) - variance)).toBeLessThan(1e-9 * variance + 1e-8 * 500 ** 2)
        }
        expect(found.histogram.reduce((sum, count) => sum + count, 0)).toBe(values.length)
      }
    }),
  )
})

test('histograms have equal bins over the range, and the last holds its upper end', () => {
  const { columns } = federated([[-10, -0.1, 0, 9.9, 29, 30].map((a): Record4 => [a, 0, 0, 0])])
  expect(columns[0]).toMatchObject({ histogram: [2, 2, 0, 2] })
})

test('a constant column has a variance of zero, whatever its place in the range', () => {
  fc.assert(
    fc.property(fc.double({ min: -10, max: 30, noNaN: true }), fc.integer({ min: 2, max: 500 }), (value, rows) => {
      const { columns } = federated([Array.from({ length: rows }, (): Record4 => [value, 0, 0, 0])])
      expect(columns[0]).toMatchObject({ variance: 0 })
    }),
  )
})
