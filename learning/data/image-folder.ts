/** Reads the images of a folder: a subfolder a class, or a label file that names each image and its other columns. */

import { InputError } from '../../protocol/errors.ts'
import type { DataSchema, ImageColumn } from '../../protocol/schema.ts'
import type { CellBlock } from './cell.ts'
import { CsvParser } from './csv-parser.ts'
import type { Feed } from './feed.ts'
import { declaredColumns } from './file-columns.ts'
import { fitImage, type Picture, PictureError } from './image.ts'
import { fileFormat, noMapping } from './mapping.ts'
import type { TableRequest } from './source.ts'
import { imageColumns } from './table.ts'

/** A folder as a shell sees it; paths are relative to it, with `/` between their parts. */
export interface ImageFolder {
  readonly name: string
  /** What lies in the folder itself (`''`) or in one of its subfolders. @throws InputError ERR_DATA_NOT_FOUND */
  readonly list: (path: string) => Promise<Entries>
  /** @throws InputError ERR_DATA_NOT_FOUND, ERR_DATA_IMAGE where the path leads out of the folder. */
  readonly read: (path: string) => Promise<Uint8Array>
  /** @throws PictureError */
  readonly decode: (bytes: Uint8Array) => Picture
  /** A delimited file with a row an image: its path in the folder stands in the plan's image column. */
  readonly labels: LabelFile | undefined
}

export interface Entries {
  readonly files: readonly string[]
  readonly folders: readonly string[]
}

export interface LabelFile {
  readonly name: string
  readonly bytes: () => Promise<Uint8Array>
}

/** Images that are decoded at once. */
const imagesPerBlock = 256

export const imageFolderFeed = (folder: ImageFolder): Feed =>
  async function* (request, begin) {
    const column = imageColumn(request.schema, folder.name)
    const { names, rows } = await (folder.labels === undefined
      ? listed(folder, request.schema, column)
      : labelled(folder.labels, request))
    const builder = begin({ source: folder.name, names })
    const field = imageField(names, column, request)
    for (let first = 0; first < rows.length; first += imagesPerBlock) {
      const part = rows.slice(first, first + imagesPerBlock)
      await builder.addBlock(blockOf(folder, part, { field, column }))
      yield { bytes: first + part.length, total: rows.length }
    }
    return undefined
  }

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
async function listed(folder: ImageFolder, schema: DataSchema, column: ImageColumn): Promise<Listing> {
  const label = schema.label?.column
  const { files, folders } = await folder.list('')
  if (label === undefined) return { names: [column.name], rows: pictures(files).map((file) => [file]) }
  const rows: string[][] = []
  for (const name of inOrder(folders)) {
    const inside = await folder.list(name)
    for (const file of pictures(inside.files)) rows.push([`${name}/${file}`, name])
  }
  return { names: [column.name, label], rows }
}

const pictureEndings = ['.png', '.jpg', '.jpeg']

export const isPicture = (name: string): boolean => pictureEndings.some((ending) => name.toLowerCase().endsWith(ending))

const pictures = (files: readonly string[]): string[] => inOrder(files.filter(isPicture))

/** By UTF-16 units, the same in every language of a machine. */
const inOrder = (names: readonly string[]): string[] => [...names].sort((a, b) => (a < b ? -1 : 1))

async function labelled({ name, bytes }: LabelFile, { schema, mapping = noMapping }: TableRequest): Promise<Listing> {
  const { header, delimiter } = fileFormat(schema, mapping)
  const rows: string[][] = []
  const parser = new CsvParser(name, delimiter, (row) => {
    rows.push(Array.from({ length: row.fields }, (_, field) => row.text(field)))
    if (row.fields !== rows[0].length) {
      const message = `expected ${rows[0].length} fields, found ${row.fields}`
      throw row.fault(Math.min(row.fields, rows[0].length), 'ERR_CSV_FIELDS', message)
    }
  })
  parser.push(await bytes())
  parser.end()
  if (!header) return { names: declaredColumns(schema, mapping), rows }
  const [names = [], ...records] = rows
  return { names, rows: records }
}

/** A block whose images are decoded, each for itself, when the builder comes to their column. */
function blockOf(
  folder: ImageFolder,
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
async function readImage({ read, decode }: ImageFolder, path: string, column: ImageColumn): Promise<Uint8Array> {
  const bytes = await read(path)
  try {
    return fitImage(decode(bytes), column)
  } catch (error) {
    if (error instanceof PictureError) throw new InputError('ERR_DATA_IMAGE', error.message, path)
    throw error
  }
}
