/** Built-in data: what a generator offers, so that a study and the demo need no file. */

import type { DataSchema } from '../../protocol/schema.ts'

/** One site's records as the site would keep them: the text of a CSV file with a header. */
export interface SiteFile {
  readonly site: string
  readonly csv: string
}

export interface GenerateOptions {
  /** Equal seeds give equal bytes. */
  readonly seed: number
  /** Records over all sites; each generator has its own usual number. */
  readonly rows?: number
}

export interface Dataset {
  /** One sentence for a list of what there is. */
  readonly description: string
  readonly schema: DataSchema
  generate(options: GenerateOptions): readonly SiteFile[]
}
