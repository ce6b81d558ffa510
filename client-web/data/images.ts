/** A folder of images, or some pictures; the decoders, the same as at a Node site, are fetched when the first is opened. */

import { sourceOf } from '../../learning/data/feed.ts'
import { type Entries, imageFolderFeed, isPicture, type LabelFile } from '../../learning/data/image-folder.ts'
import { InputError } from '../../protocol/errors.ts'
import type { Picked, PickedFile } from '../worker/page-state.ts'
import type { SourceKind } from './kind.ts'

export const images: SourceKind = {
  takes: ({ files }) => files.some(({ path }) => isPicture(path)),
  open: async ({ name, files }) => {
    const { decodePicture } = await import('../../learning/data/pictures/picture-file.ts')
    const byPath = new Map(files.map(({ path, file }) => [path, file]))
    const feed = imageFolderFeed({
      name,
      list: async (folder) => entriesIn(files, folder),
      read: async (path) => {
        const file = byPath.get(path)
        if (file === undefined) throw new InputError('ERR_DATA_NOT_FOUND', 'there is no such file', path)
        return new Uint8Array(await file.arrayBuffer())
      },
      decode: decodePicture,
      labels: labelsOf({ name, files }),
    })
    return sourceOf(name, feed)
  },
}

/** What lies in a folder, told by the paths of all files. */
function entriesIn(files: readonly PickedFile[], folder: string): Entries {
  const start = folder === '' ? '' : `${folder}/`
  const inside = files.filter(({ path }) => path.startsWith(start)).map(({ path }) => path.slice(start.length))
  const folders = new Set(inside.flatMap((path) => (path.includes('/') ? [path.slice(0, path.indexOf('/'))] : [])))
  return { files: inside.filter((path) => !path.includes('/')), folders: [...folders] }
}

/** The one delimited file that lies beside the images, where there is one. */
function labelsOf({ files }: Picked): LabelFile | undefined {
  const tables = files.filter(({ path }) => !path.includes('/') && /\.(csv|tsv|txt)$/i.test(path))
  if (tables.length !== 1) return undefined
  const [{ path, file }] = tables
  return { name: path, bytes: async () => new Uint8Array(await file.arrayBuffer()) }
}
