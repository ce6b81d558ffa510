/** The source of images in a folder: a subfolder a class, or a label file that names each image and its other columns. */

import { readdir, readFile } from 'node:fs/promises'
import { basename, join, resolve, sep } from 'node:path'
import * as z from 'zod'
import type { CellBlock } from '../../learning/data/cell.ts'
import { CsvParser } from '../../learning/data/csv-parser.ts'
import { sourceOf } from '../../learning/data/feed.ts'
import { declaredColumns } from '../../learning/data/file-columns.ts'
import { fitImage } from '../../learning/data/image.ts'
import { fileFormat, noMapping } from '../../learning/data/mapping.ts'
import type { DataSource, TableRequest } from '../../learning/data/source.ts'
import { imageColumns } from '../../learning/data/table.ts'
import { InputError } from '../../protocol/errors.ts'
import type { DataSchema, ImageColumn } from '../../protocol/schema.ts'
import { fileError, wholeFile } from './files.ts'
import { sourceKind } from './kind.ts'
import { decodePicture, PictureError, pictureEndings } from './picture-file.ts'

const options = z.strictObject({
  path: z.string().min(1),
  /** A delimited file with a row an image: its path in the folder stands in the plan's image column. */
  labels: z.string().min(1).optional(),
})

/** Images that are decoded at once. */
const imagesPerBlock = 256

export function imageFolder({ path, labels }: z.infer<typeof options>): DataSource {
  const name = basename(path)
  return sourceOf(name, async function* (request, begin) {
    const column = imageColumn(request.schema, name)
    const { names, rows } = await (labels === undefined
      ? listed(path, request.schema, column)
      : labelled(labels, request))
    const builder = begin({ source: name, names })
    const field = imageField(names, column, request)
    for (let first = 0; first < rows.length; first += imagesPerBlock) {
      const part = rows.slice(first, first + imagesPerBlock)
      await builder.addBlock(blockOf(path, part, { field, column }))
      yield { bytes: first + part.length, total: rows.length }
    }
    return undefined
  })
}

export const images = sourceKind({ options, paths: ['path', 'labels'], endings: [], open: imageFolder })

interface Listing {
  readonly names: readonly string[]
  /** The cells of each row as text; the image's is its path in the folder. */
  readonly rows: readonly (readonly string[])[]
}

/** The plan's one image column. @throws InputError ERR_DATA_IMAGE */
export function imageColumn(schema: DataSchema, source: string): ImageColumn {
  const columns = imageColumns(schema)
  if (columns.length === 1) return columns[0]
  throw new InputError('ERR_DATA_IMAGE', `expected a plan with one image column, found ${columns.length}`, source)
}

function imageField(names: readonly string[], column: ImageColumn, { mapping = noMapping }: TableRequest): number {
  return names.findIndex((name) => name === column.name || mapping.rename[name] === column.name)
}

/** In the order of their names, so that every reading gives the same rows. @throws InputError ERR_DATA_NOT_FOUND */
async function listed(folder: string, schema: DataSchema, column: ImageColumn): Promise<Listing> {
  const label = schema.label?.column
  const entries = await entriesOf(folder)
  const files = entries.filter((entry) => entry.isFile() && isPicture(entry.name)).map((entry) => [entry.name])
  if (label === undefined) return { names: [column.name], rows: files }
  const rows: string[][] = []
  for (const { name } of entries.filter((entry) => entry.isDirectory())) {
    const inside = await entriesOf(join(folder, name))
    for (const file of inside.filter((entry) => isPicture(entry.name))) rows.push([join(name, file.name), name])
  }
  return { names: [column.name, label], rows }
}

const entriesOf = (folder: string) =>
  readdir(folder, { withFileTypes: true }).then(
    (entries) => entries.sort((a, b) => (a.name < b.name ? -1 : 1)),
    (error: unknown) => {
      throw fileError(error, folder)
    },
  )

const isPicture = (name: string): boolean => pictureEndings.some((ending) => name.toLowerCase().endsWith(ending))

async function labelled(path: string, { schema, mapping = noMapping }: TableRequest): Promise<Listing> {
  const { header, delimiter } = fileFormat(schema, mapping)
  const rows: string[][] = []
  const parser = new CsvParser(basename(path), delimiter, (row) => {
    rows.push(Array.from({ length: row.fields }, (_, field) => row.text(field)))
    if (row.fields !== rows[0].length) {
      const message = `expected ${rows[0].length} fields, found ${row.fields}`
      throw row.fault(Math.min(row.fields, rows[0].length), 'ERR_CSV_FIELDS', message)
    }
  })
  parser.push(await wholeFile(path))
  parser.end()
  if (!header) return { names: declaredColumns(schema, mapping), rows }
  const [names = [], ...records] = rows
  return { names, rows: records }
}

/** A block whose images are decoded, each for itself, when the builder comes to their column. */
function blockOf(
  folder: string,
  rows: Listing['rows'],
  { field, column }: { readonly field: number; readonly column: ImageColumn },
): CellBlock {
  return {
    rows: rows.length,
    cells: (wanted) =>
      wanted === field
        ? Promise.all(rows.map((row) => readImage(folder, row[field], column)))
        : Promise.resolve(rows.map((row) => row[wanted])),
    place: (row) => ({ fault: (_, code, message) => new InputError(code, message, rows[row][field]) }),
  }
}

/** @throws InputError ERR_DATA_NOT_FOUND, ERR_DATA_IMAGE with the file */
async function readImage(folder: string, file: string, column: ImageColumn): Promise<Uint8Array> {
  const path = resolve(folder, file)
  if (!path.startsWith(resolve(folder) + sep)) {
    throw new InputError('ERR_DATA_IMAGE', 'expected the path of an image inside the folder', file)
  }
  const bytes = await readFile(path).catch((error: unknown) => {
    throw fileError(error, path)
  })
  try {
    return fitImage(decodePicture(bytes), column)
  } catch (error) {
    if (error instanceof PictureError) throw new InputError('ERR_DATA_IMAGE', error.message, path)
    throw error
  }
}
