/** A kind of data source: what a site says to have one, and how it is opened. */

import type * as z from 'zod'
import type { DataSource } from '../../learning/data/source.ts'

export interface SourceKind {
  /** The keys beside `kind` in a site's configuration. */
  readonly options: z.ZodType
  /** The keys that are paths, relative to the configuration's file. */
  readonly paths: readonly string[]
  /** What the names of its files end in; such a file needs no `kind`. */
  readonly endings: readonly string[]
  open(options: unknown): DataSource
}

/** Binds the options' type to the opening, so that a menu can hold kinds with different options. */
export function sourceKind<Options extends z.ZodType>(
  kind: Omit<SourceKind, 'open' | 'options'> & {
    readonly options: Options
    readonly open: (options: z.infer<Options>) => DataSource
  },
): SourceKind {
  return { ...kind, open: (given) => kind.open(kind.options.parse(given)) }
}
