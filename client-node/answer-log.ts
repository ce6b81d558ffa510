/** The answer log on disk, a file a session: replaced whole, so that a power cut leaves the old record or the new one. */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { toHex } from '../protocol/bytes.ts'
import { InputError } from '../protocol/errors.ts'
import type { AnswerLog } from '../protocol/secagg/record.ts'
import { replaceFile } from './replace-file.ts'

export function fileAnswerLog(folder: string): AnswerLog {
  const pathOf = (session: Uint8Array): string => join(folder, `${toHex(session)}.bin`)
  return {
    load: async (session) => readIfThere(pathOf(session)),
    commit: (record, session) => replaceFile(pathOf(session), record),
  }
}

/** A record that is there and cannot be read must stop the site: without it, it might answer twice. */
async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw new InputError('ERR_ANSWER_LOG', error instanceof Error ? error.message : String(error), path)
  }
}
