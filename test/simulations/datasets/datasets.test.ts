import { describe, expect, test } from 'vitest'
import { readCsv } from '../../../learning/data/csv.ts'
import type { Table } from '../../../learning/data/table.ts'
import { checkUnits } from '../../../learning/data/units.ts'
import type { Dataset } from '../../../simulations/datasets/dataset.ts'
import { datasets } from '../../../simulations/datasets/index.ts'

async function* once(text: string): AsyncGenerator<string> {
  yield text
}

async function tablesOf(dataset: Dataset, options: { seed: number; rows?: number }): Promise<Table[]> {
  const files = dataset.generate(options)
  const loaded = files.map(({ site, csv }) => readCsv({ name: site, chunks: once(csv) }, { schema: dataset.schema }))
  return (await Promise.all(loaded)).map(({ table }) => table)
}

describe.each(Object.entries(datasets))('%s', (_, dataset) => {
  test('gives the same bytes for the same seed and others for another', () => {
    expect(dataset.generate({ seed: 7 })).toEqual(dataset.generate({ seed: 7 }))
    expect(dataset.generate({ seed: 8 })).not.toEqual(dataset.generate({ seed: 7 }))
  })

  test('writes files that the reader accepts under its schema', async () => {
    checkUnits(dataset.schema)
    for (const seed of [1, 2, 3, 4, 5]) {
      const tables = await tablesOf(dataset, { seed })
      expect(tables.every((table) => table.rows > 0 && table.label?.length === table.rows)).toBe(true)
    }
  })

  test('gives every site a name that a roster accepts, once', () => {
    const names = dataset.generate({ seed: 1 }).map(({ site }) => site)
    expect(names.filter((name) => !/^[a-z0-9][a-z0-9-]{0,62}$/.test(name))).toEqual([])
    expect(new Set(names).size).toBe(names.length)
  })

  test('shares a wished number of records out over the sites', async () => {
    const tables = await tablesOf(dataset, { seed: 1, rows: 2000 })
    expect(tables.reduce((sum, table) => sum + table.rows, 0)).toBe(2000)
  })
})
