/** The menu of files that a person may choose, in the order in which they are tried. */

import type { DataSource } from '../../learning/data/source.ts'
import { InputError } from '../../protocol/errors.ts'
import type { Picked } from '../worker/page-state.ts'
import { csv } from './csv.ts'
import { images } from './images.ts'
import type { SourceKind } from './kind.ts'
import { parquet } from './parquet.ts'

const sources: Readonly<Record<string, SourceKind>> = { parquet, images, csv }

/** @throws InputError ERR_DATA_NOT_FOUND where a folder holds nothing of these. */
export async function openPicked(picked: Picked): Promise<DataSource> {
  const kind = Object.values(sources).find(({ takes }) => takes(picked))
  if (kind !== undefined) return kind.open(picked)
  throw new InputError('ERR_DATA_NOT_FOUND', 'expected a folder with PNG or JPEG images', picked.name)
}
