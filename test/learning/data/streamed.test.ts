import fc from 'fast-check'
import { expect, test } from 'vitest'
import { prepare, preprocessing } from '../../../learning/data/preprocess.ts'
import { readStatistics, sumTable } from '../../../learning/data/statistics.ts'
import { prepareBlocks, sumBlocks } from '../../../learning/data/streamed.ts'
import { sliceTable, type Table } from '../../../learning/data/table.ts'
import { anyRecords, schema, tableOf } from './tables.ts'

async function* inBlocks(table: Table, rows: number): AsyncGenerator<Table> {
  for (let start = 0; start < table.rows; start += rows) {
    yield sliceTable(table, start, Math.min(start + rows, table.rows))
  }
}

const size = fc.integer({ min: 1, max: 25 })

test('the sums of all blocks are those of the whole table', async () => {
  await fc.assert(
    fc.asyncProperty(anyRecords(1), size, async (records, rows) => {
      const table = tableOf(records)
      const sums = await sumBlocks(inBlocks(table, rows), 4)
      const whole = sumTable(table, 4)
      expect(Object.keys(sums)).toEqual(Object.keys(whole))
      for (const [name, values] of Object.entries(whole)) {
        for (const [i, value] of values.entries()) expect(sums[name][i]).toBeCloseTo(value, 10)
      }
    }),
    { numRuns: 50, seed: 4 },
  )
})

test('the prepared rows of all blocks are those of the whole table, number by number', async () => {
  const rule = { numbers: 'mean+indicator', categories: 'frequent' } as const
  await fc.assert(
    fc.asyncProperty(anyRecords(2), size, async (records, rows) => {
      const table = tableOf(records)
      const steps = preprocessing(schema, readStatistics(schema, sumTable(table, 0), 0), rule)
      const [x, y]: [number[], number[]] = [[], []]
      for await (const block of prepareBlocks(inBlocks(table, rows), steps)) {
        x.push(...block.x)
        y.push(...block.y)
      }
      const whole = prepare(table, steps)
      expect(Float32Array.from(x)).toEqual(whole.x)
      expect(Float32Array.from(y)).toEqual(whole.y)
    }),
    { numRuns: 50, seed: 4 },
  )
})
