import fc from 'fast-check'
import { expect, test } from 'vitest'
import { splitRows } from '../../../learning/data/split.ts'
import { joinTables, selectRows } from '../../../learning/data/table.ts'
import { anyRecords, tableOf } from './tables.ts'

const anySplit = fc.record({
  rows: fc.integer({ min: 1, max: 300 }),
  holdout: fc.double({ min: 0, max: 0.9, noNaN: true }),
  seed: fc.nat(),
  name: fc.string(),
})

test('every row trains or is held out, once, and at least one trains', () => {
  fc.assert(
    fc.property(anySplit, ({ rows, holdout, seed, name }) => {
      const { training, heldOut } = splitRows(rows, holdout, { seed, name })
      expect([...training, ...heldOut].sort((a, b) => a - b)).toEqual(Array.from({ length: rows }, (_, i) => i))
      expect(training.length).toBeGreaterThan(0)
      expect(heldOut.length).toBe(Math.min(Math.round(rows * holdout), rows - 1))
    }),
  )
})

test('the split follows from seed and site alone', () => {
  const split = (seed: number, name: string) => splitRows(100, 0.2, { seed, name }).heldOut
  expect(split(1, 'a')).toEqual(split(1, 'a'))
  expect(split(1, 'a')).not.toEqual(split(2, 'a'))
  expect(split(1, 'a')).not.toEqual(split(1, 'b'))
})

test('the two parts of a table joined hold its rows', () => {
  fc.assert(
    fc.property(anyRecords(2), (records) => {
      const table = tableOf(records)
      const { training, heldOut } = splitRows(table.rows, 0.5, { seed: 1, name: 'a' })
      const order = [...training, ...heldOut]
      expect(joinTables([selectRows(table, training), selectRows(table, heldOut)])).toEqual(
        tableOf(order.map((row) => records[row])),
      )
    }),
  )
})
