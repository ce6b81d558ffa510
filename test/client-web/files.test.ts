/** Files in the page are the same tables as at a Node site, bit for bit: one reader, another shell. */

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { deflateSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import jpeg from 'jpeg-js'
import { PNG } from 'pngjs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as z from 'zod'
import { type OpenPage, openPage } from '../../bench/chromium.ts'
import { type DataLocation, openSource } from '../../client-node/data/index.ts'
import { type Mapping, noMapping, parseMapping } from '../../learning/data/mapping.ts'
import { toBase64 } from '../../protocol/base64.ts'
import { type DataSchema, dataSchema } from '../../protocol/schema.ts'
import { writtenParquet } from '../client-node/data/written.ts'
import { tableText } from '../support/table-text.ts'

let open: OpenPage
let home: string

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'concordat-files-'))
  open = await openPage('test/support/pages/files.ts')
})
afterAll(async () => {
  await open.close()
  await rm(home, { recursive: true })
})

type Files = Readonly<Record<string, Uint8Array>>

async function inPage(name: string, files: Files, schema: DataSchema, mapping: Mapping = noMapping): Promise<string> {
  const given = {
    ...{ name, schema, mapping },
    files: Object.fromEntries(Object.entries(files).map(([path, bytes]) => [path, toBase64(bytes)])),
  }
  return z.string().parse(await open.page.evaluate(`read(${JSON.stringify(given)})`))
}

async function atNode(location: DataLocation, schema: DataSchema, mapping: Mapping = noMapping): Promise<string> {
  const source = await openSource(location)
  return source.table({ schema, mapping }).then(
    ({ table }) => tableText(table, toBase64),
    (error: { readonly code: string }) => error.code,
  )
}

let made = 0
async function written(files: Files): Promise<string> {
  const folder = join(home, String(made++))
  for (const [path, bytes] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), bytes)
  }
  return folder
}

const schema = dataSchema.parse({
  columns: [
    { name: 'age', type: 'number', unit: 'years', range: [0, 120] },
    { name: 'weight', type: 'number', unit: 'kg', range: [1, 400] },
    { name: 'stage', type: 'category', categories: ['1', '2', 'unknown'] },
  ],
  label: { column: 'ill', type: 'binary', positive: ['yes'], negative: ['no'] },
})

describe('tables', () => {
  const record = fc.tuple(
    fc.constantFrom('50', '61.25', '', '0.1', '1e2'),
    fc.constantFrom('70.5', '', '399', '500'),
    fc.constantFrom('1', '2', 'unknown', '?'),
    fc.constantFrom('yes', 'no', ''),
  )
  const records = fc
    .array(record, { minLength: 1, maxLength: 20 })
    .map((rows) => [['age', 'weight', 'stage', 'ill'], ...rows])

  test('CSV, packed or not, and Parquet give the same bits, or are refused with the same code', async () => {
    await fc.assert(
      fc.asyncProperty(records, async (rows) => {
        const text = Buffer.from(rows.map((row) => row.join(',')).join('\n'))
        const path = join(home, `${made++}.parquet`)
        writtenParquet(path, rows, 7)
        const kinds: Files = { 'a.csv': text, 'a.csv.gz': gzipSync(text), 'a.parquet': await readFile(path) }
        const folder = await written(kinds)
        for (const [name, bytes] of Object.entries(kinds))
          expect(await inPage(name, { [name]: bytes }, schema)).toBe(await atNode(join(folder, name), schema))
      }),
      { numRuns: 25, seed: 3 },
    )
  })

  test('a mapping is read as at a Node site', async () => {
    const mapping = parseMapping(
      { rename: { Gewicht: 'weight' }, units: { weight: 'lb' }, categories: { ill: { ja: 'yes' } }, missing: ['-9'] },
      schema,
    )
    const text = Buffer.from('age,Gewicht,stage,ill\n50,150,1,ja\n-9,-9,2,no\n')
    const folder = await written({ 'b.csv': text })
    const bits = await inPage('b.csv', { 'b.csv': text }, schema, mapping)
    expect(bits).toBe(await atNode(join(folder, 'b.csv'), schema, mapping))
    expect(JSON.parse(bits).rows).toBe(2)
  })

  test('what is broken is refused with its code', async () => {
    const cut = gzipSync(Buffer.from('age,weight,stage,ill\n50,70,1,yes\n')).subarray(0, 30)
    expect(await inPage('c.csv.gz', { 'c.csv.gz': cut }, schema)).toBe('ERR_DATA_FORMAT')
    expect(await inPage('c.pq', { 'c.pq': Buffer.from('PAR1 no such thing') }, schema)).toBe('ERR_DATA_FORMAT')
    expect(await inPage('empty', { 'notes.md': Buffer.from('x'), 'b.md': Buffer.from('y') }, schema)).toBe(
      'ERR_DATA_NOT_FOUND',
    )
  })
})

/** Pictures of the kinds on which decoders and canvases differ: half transparent, with a gamma, in a palette, compressed with loss. */
const pictures: Readonly<Record<string, (pixels: Uint8Array) => Uint8Array>> = {
  'grey.png': (pixels) => png(pixels, { colorType: 0 }),
  'colours.png': (pixels) => png(pixels, { colorType: 2 }),
  'transparent.png': (pixels) => png(pixels, { colorType: 6 }),
  'palette-and-gamma.PNG': palette,
  'lossy.jpg': (pixels) => jpeg.encode({ width: side, height: side, data: pixels }, 60).data,
}
const side = 12

describe('images', () => {
  const images = fc.uint8Array({ minLength: 4 * side * side, maxLength: 4 * side * side })

  test.each([1, 3] as const)(
    'in a folder a class, with %i channels, are the same pixels, in the same order',
    async (channels) => {
      const plan = dataSchema.parse({
        columns: [{ name: 'picture', type: 'image', height: 5, width: 7, channels }],
        label: { column: 'kind', type: 'class', classes: ['a', 'b'] },
      })
      await fc.assert(
        fc.asyncProperty(images, async (pixels) => {
          const files = Object.fromEntries(
            Object.entries(pictures).map(([name, make], i) => [`${i % 2 === 0 ? 'b' : 'a'}/${name}`, make(pixels)]),
          )
          const folder = await written(files)
          const bits = await inPage('pictures', { ...files, 'notes.md': Buffer.from('none') }, plan)
          expect(bits).toBe(await atNode(folder, plan))
          expect(JSON.parse(bits).rows).toBe(5)
        }),
        { numRuns: 10, seed: 5 },
      )
    },
  )

  test('with a table beside them that names them', async () => {
    const plan = dataSchema.parse({
      columns: [
        { name: 'picture', type: 'image', height: side, width: side },
        { name: 'age', type: 'number', range: [0, 120] },
      ],
      label: { column: 'kind', type: 'class', classes: ['a', 'b'] },
    })
    const picture = png(new Uint8Array(4 * side * side).fill(77), { colorType: 0 })
    const files = {
      'labels.csv': Buffer.from('kind,picture,age\nb,scans/1.png,40\na,2.png,50\n'),
      ...{ 'scans/1.png': picture, '2.png': picture },
    }
    const folder = await written(files)
    const location = { kind: 'images', path: folder, labels: join(folder, 'labels.csv') }
    expect(await inPage('scans', files, plan)).toBe(await atNode(location, plan))
    const lacking = { 'labels.csv': files['labels.csv'], '2.png': picture }
    expect(await inPage('scans', lacking, plan)).toBe('ERR_DATA_NOT_FOUND')
  })

  test('that are cut short are refused', async () => {
    const plan = dataSchema.parse({ columns: [{ name: 'picture', type: 'image', height: 2, width: 2 }] })
    const whole = png(new Uint8Array(4 * side * side).fill(7), { colorType: 6 })
    expect(await inPage('a.png', { 'a.png': whole.subarray(0, 60) }, plan)).toBe('ERR_DATA_IMAGE')
  })
})

function png(pixels: Uint8Array, options: { readonly colorType: 0 | 2 | 6 }): Uint8Array {
  const picture = new PNG({ width: side, height: side })
  picture.data.set(pixels)
  return PNG.sync.write(picture, options)
}

/** Sixteen colours, some of them transparent, four bits a pixel, with a gamma that a canvas would apply. */
function palette(pixels: Uint8Array): Uint8Array {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(side, 0)
  header.writeUInt32BE(side, 4)
  header.set([4, 3, 0, 0, 0], 8)
  const gamma = Buffer.alloc(4)
  gamma.writeUInt32BE(100_000)
  const lines = Array.from({ length: side }, (_, y) => [
    0,
    ...pixels.subarray((y * side) / 2, ((y + 1) * side) / 2),
  ]).flat()
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('gAMA', gamma),
    chunk('PLTE', pixels.subarray(0, 48)),
    chunk('tRNS', pixels.subarray(48, 54)),
    chunk('IDAT', deflateSync(Uint8Array.from(lines))),
    chunk('IEND', new Uint8Array(0)),
  ])
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const whole = Buffer.alloc(named.length + 8)
  whole.writeUInt32BE(data.length)
  whole.set(named, 4)
  whole.writeUInt32BE(crc(named), named.length + 4)
  return whole
}

/** CRC-32 as PNG asks for it. */
function crc(bytes: Uint8Array): number {
  let rest = 0xffffffff
  for (const byte of bytes) {
    rest ^= byte
    for (let bit = 0; bit < 8; bit++) rest = (rest >>> 1) ^ (rest & 1 ? 0xedb88320 : 0)
  }
  return ~rest >>> 0
}
