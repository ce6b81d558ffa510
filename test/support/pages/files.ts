/** Files as the participant's page reads them, for a test to hold against Node's reading of the same bytes. */

import { openPicked } from '../../../client-web/data/index.ts'
import { type Mapping, noMapping } from '../../../learning/data/mapping.ts'
import { fromBase64, toBase64 } from '../../../protocol/base64.ts'
import { errorCode, InputError } from '../../../protocol/errors.ts'
import type { DataSchema } from '../../../protocol/schema.ts'
import { tableText } from '../table-text.ts'

export interface Given {
  readonly name: string
  /** Contents in base64 by path. */
  readonly files: Readonly<Record<string, string>>
  readonly schema: DataSchema
  readonly mapping?: Mapping
}

/** @returns the table bit for bit, or the code of what does not fit. */
async function read({ name, files, schema, mapping = noMapping }: Given): Promise<string> {
  const picked = Object.entries(files).map(([path, content]) => ({
    path,
    file: new File([new Uint8Array(fromBase64(content))], path.slice(path.lastIndexOf('/') + 1)),
  }))
  try {
    const source = await openPicked({ name, files: picked })
    return tableText((await source.table({ schema, mapping })).table, toBase64)
  } catch (error) {
    if (error instanceof InputError) return errorCode(error.code)
    throw error
  }
}

Object.assign(globalThis, { read })
