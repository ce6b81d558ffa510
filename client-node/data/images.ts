/** The source of images in a folder of the site: what lies there, and nothing outside it. */

import { readdir, readFile } from 'node:fs/promises'
import { basename, join, resolve, sep } from 'node:path'
import * as z from 'zod'
import { sourceOf } from '../../learning/data/feed.ts'
import { type Entries, imageFolderFeed } from '../../learning/data/image-folder.ts'
import { decodePicture } from '../../learning/data/pictures/picture-file.ts'
import type { DataSource } from '../../learning/data/source.ts'
import { InputError } from '../../protocol/errors.ts'
import { fileError, wholeFile } from './files.ts'
import { sourceKind } from './kind.ts'

const options = z.strictObject({
  path: z.string().min(1),
  /** A delimited file with a row an image: its path in the folder stands in the plan's image column. */
  labels: z.string().min(1).optional(),
})

export function imageFolder({ path, labels }: z.infer<typeof options>): DataSource {
  const name = basename(path)
  const feed = imageFolderFeed({
    name,
    list: (inside) => entriesOf(join(path, inside)),
    read: (file) => readInside(path, file),
    decode: decodePicture,
    labels: labels === undefined ? undefined : { name: basename(labels), bytes: () => wholeFile(labels) },
  })
  return sourceOf(name, feed)
}

export const images = sourceKind({ options, paths: ['path', 'labels'], endings: [], open: imageFolder })

async function entriesOf(folder: string): Promise<Entries> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    throw fileError(error, folder)
  })
  return {
    files: entries.filter((entry) => entry.isFile()).map(({ name }) => name),
    folders: entries.filter((entry) => entry.isDirectory()).map(({ name }) => name),
  }
}

async function readInside(folder: string, file: string): Promise<Uint8Array> {
  const path = resolve(folder, file)
  if (!path.startsWith(resolve(folder) + sep)) {
    throw new InputError('ERR_DATA_IMAGE', 'expected the path of an image inside the folder', file)
  }
  return readFile(path).catch((error: unknown) => {
    throw fileError(error, path)
  })
}
