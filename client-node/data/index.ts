/** The menu of data sources, and which of them a site's `data` means. */

import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import * as z from 'zod'
import type { DataSource } from '../../learning/data/source.ts'
import { InputError } from '../../protocol/errors.ts'
import { check, suggestion } from '../../protocol/plan.ts'
import { csv } from './csv.ts'
import { idx } from './idx.ts'
import { images } from './images.ts'
import type { SourceKind } from './kind.ts'
import { parquet } from './parquet.ts'
import { postgres } from './postgres.ts'
import { sqlite } from './sqlite.ts'

export const sources: Readonly<Record<string, SourceKind>> = { csv, parquet, sqlite, postgres, images, idx }

/** A path, whose ending or being a folder says of what kind it is; or the kind with its options, and whether to stream. */
export const dataSchema = z.union([
  z.string().min(1),
  z.looseObject({ kind: z.string(), stream: z.boolean().optional() }),
])

export type DataLocation = z.infer<typeof dataSchema>

/** Opens nothing yet. @throws InputError ERR_CONFIG: an unknown kind, or options that do not hold. */
export async function openSource(location: DataLocation): Promise<DataSource> {
  const { kind, stream: _, ...options } = typeof location === 'string' ? await kindOf(location) : location
  if (!Object.hasOwn(sources, kind)) {
    const known = Object.keys(sources)
    const message = `data.kind: expected one of ${known.join(', ')}; found "${kind}"${suggestion(kind, known)}`
    throw new InputError('ERR_CONFIG', message)
  }
  const source = sources[kind]
  return source.open(check(source.options, options, ['data'], 'ERR_CONFIG'))
}

/** Whether the records are read in blocks instead of into memory, where the site says so. */
export const streams = (location: DataLocation): boolean | undefined =>
  typeof location === 'string' ? undefined : location.stream

/** The location with its paths made absolute, seen from `folder`. */
export function locatedFrom(folder: string, location: DataLocation): DataLocation {
  if (typeof location === 'string') return resolve(folder, location)
  const paths = Object.hasOwn(sources, location.kind) ? sources[location.kind].paths : []
  const located = paths.flatMap((key): [string, string][] => {
    const path = location[key]
    return typeof path === 'string' ? [[key, resolve(folder, path)]] : []
  })
  return { ...location, ...Object.fromEntries(located) }
}

/** A file of an unknown ending is taken for delimited text, as it always was. */
async function kindOf(path: string): Promise<Exclude<DataLocation, string>> {
  const name = path.toLowerCase()
  const known = Object.entries(sources).find(([, { endings }]) => endings.some((ending) => name.endsWith(ending)))
  if (known) return { kind: known[0], path }
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
  return { kind: isFolder ? 'images' : 'csv', path }
}
