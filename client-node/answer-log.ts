/** The answer log on disk: one record, replaced whole. */

import { readFile } from 'node:fs/promises'
import type { AnswerLog } from '../protocol/secagg/record.ts'
import { replaceFile } from './replace-file.ts'

export const fileAnswerLog = (path: string): AnswerLog => ({
  load: async () => readFile(path).catch(() => undefined),
  commit: (record) => replaceFile(path, record),
})
