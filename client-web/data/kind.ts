/** A kind of file that a person may choose in the page: how it is told, and how it is opened in the worker. */

import type { DataSource } from '../../learning/data/source.ts'
import type { Picked } from '../worker/page-state.ts'

export interface SourceKind {
  readonly takes: (picked: Picked) => boolean
  /** What only some files need is fetched here, when one is opened. */
  readonly open: (picked: Picked) => Promise<DataSource>
}

/** Whether it is one file whose name ends so. */
export const endsIn = ({ files }: Picked, endings: readonly string[]): boolean =>
  files.length === 1 && endings.some((ending) => files[0].path.toLowerCase().endsWith(ending))
