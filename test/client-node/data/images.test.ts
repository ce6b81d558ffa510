import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import jpeg from 'jpeg-js'
import { PNG } from 'pngjs'
import { afterAll, describe, expect, test } from 'vitest'
import { openSource } from '../../../client-node/data/index.ts'
import { parseMapping } from '../../../learning/data/mapping.ts'
import type { DataSource } from '../../../learning/data/source.ts'
import { dataSchema } from '../../../protocol/schema.ts'

const folder = mkdtempSync(join(tmpdir(), 'concordat-images-'))
afterAll(() => rmSync(folder, { recursive: true }))

const schema = dataSchema.parse({
  columns: [{ name: 'picture', type: 'image', height: 4, width: 3 }],
  label: { column: 'kind', type: 'class', classes: ['0', '1', '2'] },
})

interface Labelled {
  readonly pixels: Uint8Array
  readonly label: number
}

let made = 0
const fresh = (): string => join(folder, `${made++}`)

function png(pixels: Uint8Array, width: number, height: number): Buffer {
  const picture = new PNG({ width, height })
  for (let i = 0; i < pixels.length; i++) picture.data.set([pixels[i], pixels[i], pixels[i], 255], 4 * i)
  return PNG.sync.write(picture)
}

function idx(sides: readonly number[], data: Uint8Array): Uint8Array {
  const header = new DataView(new ArrayBuffer(4 + 4 * sides.length))
  header.setUint8(2, 8)
  header.setUint8(3, sides.length)
  for (const [i, side] of sides.entries()) header.setUint32(4 + 4 * i, side)
  return Buffer.concat([new Uint8Array(header.buffer), data])
}

/** Rows in the order of their labels, as a folder a class gives them. */
const kinds: Readonly<Record<string, (rows: readonly Labelled[]) => Promise<DataSource>>> = {
  'a folder a class': (rows) => {
    const path = fresh()
    for (const [i, { pixels, label }] of rows.entries()) {
      mkdirSync(join(path, String(label)), { recursive: true })
      writeFileSync(join(path, String(label), `${String(i).padStart(3, '0')}.png`), png(pixels, 3, 4))
    }
    return openSource(path)
  },
  'a label file': (rows) => {
    const path = fresh()
    mkdirSync(path)
    for (const [i, { pixels }] of rows.entries()) writeFileSync(join(path, `${i}.png`), png(pixels, 3, 4))
    const lines = rows.map(({ label }, i) => `${label},${i}.png`)
    writeFileSync(join(path, 'labels.csv'), ['kind,picture', ...lines].join('\n'))
    return openSource({ kind: 'images', path, labels: join(path, 'labels.csv') })
  },
  'packed IDX files': (rows) => {
    const path = fresh()
    mkdirSync(path)
    const images = idx([rows.length, 4, 3], Buffer.concat(rows.map(({ pixels }) => pixels)))
    const labels = idx(
      [rows.length],
      Uint8Array.from(rows, ({ label }) => label),
    )
    writeFileSync(join(path, 'some-images-idx3-ubyte.gz'), gzipSync(images))
    writeFileSync(join(path, 'some-labels-idx1-ubyte.gz'), gzipSync(labels))
    return openSource(join(path, 'some-images-idx3-ubyte.gz'))
  },
}

describe.each(Object.entries(kinds))('%s', (_, make) => {
  const rows = fc
    .array(fc.record({ pixels: fc.uint8Array({ minLength: 12, maxLength: 12 }), label: fc.nat(2) }), {
      minLength: 1,
      maxLength: 8,
    })
    .map((all) => all.sort((a, b) => a.label - b.label))

  test('gives every image and its class, in order, also block by block', async () => {
    await fc.assert(
      fc.asyncProperty(rows, async (records) => {
        const source = await make(records)
        const { table } = await source.table({ schema })
        expect(table.rows).toBe(records.length)
        expect(table.label).toEqual(Float32Array.from(records, ({ label }) => label))
        expect([...(table.images?.[0].pixels ?? [])]).toEqual(records.flatMap(({ pixels }) => [...pixels]))
        const blocks: number[] = []
        for await (const block of source.blocks({ schema }, 3)) blocks.push(...(block.images?.[0].pixels ?? []))
        expect(blocks).toEqual([...(table.images?.[0].pixels ?? [])])
      }),
      { numRuns: 15, seed: 4 },
    )
  })

  test('a class that the plan does not have is refused', async () => {
    const source = await make([{ pixels: new Uint8Array(12), label: 7 }])
    await expect(source.table({ schema })).rejects.toMatchObject({ code: 'ERR_DATA_CATEGORY' })
  })

  test('a plan without an image is refused', async () => {
    const source = await make([{ pixels: new Uint8Array(12), label: 1 }])
    const other = dataSchema.parse({ columns: [{ name: 'x', type: 'number', range: [0, 1] }] })
    await expect(source.table({ schema: other })).rejects.toMatchObject({ code: 'ERR_DATA_IMAGE' })
  })
})

describe('pictures', () => {
  async function only(name: string, bytes: Uint8Array, column: object): Promise<readonly number[]> {
    const path = fresh()
    mkdirSync(path)
    writeFileSync(join(path, name), bytes)
    const one = dataSchema.parse({ columns: [{ name: 'picture', type: 'image', ...column }] })
    const { table } = await (await openSource(path)).table({ schema: one })
    return [...(table.images?.[0].pixels ?? [])]
  }

  test('a larger one becomes the mean over areas, a smaller one is stretched', async () => {
    const four = png(Uint8Array.of(10, 20, 30, 40, 50, 60, 70, 80), 4, 2)
    expect(await only('a.png', four, { height: 1, width: 2 })).toEqual([35, 55])
    expect(await only('a.png', png(Uint8Array.of(9, 200), 2, 1), { height: 2, width: 4 })).toEqual([
      9, 9, 200, 200, 9, 9, 200, 200,
    ])
  })

  test('colours become grey by their luma, and stay where the plan wants them', async () => {
    const red = new PNG({ width: 1, height: 1 })
    red.data.set([255, 0, 0, 255])
    expect(await only('a.png', PNG.sync.write(red), { height: 1, width: 1 })).toEqual([76])
    expect(await only('a.png', PNG.sync.write(red), { height: 1, width: 1, channels: 3 })).toEqual([255, 0, 0])
  })

  test('JPEG is read, within what its compression changes', async () => {
    const grey = jpeg.encode({ width: 8, height: 8, data: Buffer.alloc(256, 128) }, 95).data
    for (const value of await only('a.jpg', grey, { height: 2, width: 2 }))
      expect(Math.abs(value - 128)).toBeLessThan(3)
  })

  test.each([
    ['a PNG cut short', 'a.png', png(new Uint8Array(400).fill(7), 20, 20).subarray(0, 60)],
    [
      'a JPEG cut short',
      'a.jpg',
      jpeg.encode({ width: 9, height: 9, data: Buffer.alloc(324, 9) }).data.subarray(0, 200),
    ],
    ['something else', 'a.png', Buffer.from('patient 17, positive')],
  ])('%s is refused by its file, without what it holds', async (_, name, bytes) => {
    const failure = only(name, bytes, { height: 2, width: 2 })
    await expect(failure).rejects.toMatchObject({ code: 'ERR_DATA_IMAGE', where: expect.stringContaining(name) })
    await expect(failure).rejects.not.toThrow(/patient/)
  })

  test('a label file may name its columns in its own way, and no image outside its folder', async () => {
    const path = fresh()
    mkdirSync(path)
    writeFileSync(join(path, 'a.png'), png(new Uint8Array(12).fill(5), 3, 4))
    const labels = join(path, 'labels.csv')
    const source = await openSource({ kind: 'images', path, labels })
    const mapping = parseMapping({ rename: { file: 'picture', diagnosis: 'kind' } }, schema)
    writeFileSync(labels, 'file,diagnosis\na.png,2\n')
    const { table } = await source.table({ schema, mapping })
    expect([...(table.images?.[0].pixels ?? [])]).toEqual(Array(12).fill(5))
    writeFileSync(labels, 'file,diagnosis\n../a.png,2\n')
    await expect(source.table({ schema, mapping })).rejects.toMatchObject({ code: 'ERR_DATA_IMAGE' })
    writeFileSync(labels, 'file,diagnosis\nb.png,2\n')
    await expect(source.table({ schema, mapping })).rejects.toMatchObject({ code: 'ERR_DATA_NOT_FOUND' })
  })
})

const digits = '../shared/data/mnist-subset'

test.skipIf(!existsSync(digits))('the MNIST subset is what its header says', async () => {
  const plan = dataSchema.parse({
    columns: [{ name: 'image', type: 'image', height: 28, width: 28 }],
    label: { column: 'digit', type: 'class', classes: [...'0123456789'] },
  })
  const { table } = await (await openSource(`${digits}/test2k-images-idx3-ubyte.gz`)).table({ schema: plan })
  expect(table.rows).toBe(2000)
  expect([...(table.label ?? [])].filter((digit) => digit === 1).length).toBeGreaterThan(150)
})
