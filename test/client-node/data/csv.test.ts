import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { csvFile } from '../../../client-node/data/csv.ts'
import { dataSchema } from '../../../protocol/schema.ts'

const folder = mkdtempSync(join(tmpdir(), 'concordat-csv-'))
afterAll(() => rmSync(folder, { recursive: true }))

const schema = dataSchema.parse({ columns: [{ name: 'x', type: 'number', range: [0, 9] }] })
let files = 0

function file(text: string): string {
  const path = join(folder, `records-${files++}.csv`)
  writeFileSync(path, text)
  return path
}

test('a fault is named by file, line and column', async () => {
  const path = file('x\n1\n  oops\n')
  await expect(csvFile(path).table({ schema })).rejects.toThrow(
    /records-\d+\.csv:3:3: "x": expected a number, found "oops"/,
  )
})

test('progress ends at the size of the file', async () => {
  const seen: unknown[] = []
  await csvFile(file('x\n1\n2\n')).table({ schema, progress: (progress) => seen.push(progress) })
  expect(seen.at(-1)).toEqual({ bytes: 6, total: 6 })
})

test('a file that is not there is named', async () => {
  await expect(csvFile(join(folder, 'none.csv')).table({ schema })).rejects.toMatchObject({
    code: 'ERR_DATA_NOT_FOUND',
  })
})

test('a folder is no file', async () => {
  await expect(csvFile(folder).table({ schema })).rejects.toMatchObject({ code: 'ERR_DATA_NOT_A_FILE' })
})
