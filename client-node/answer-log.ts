/** The answer log on disk: replaced whole and synced, so that a power cut leaves the old record or the new one. */

import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { AnswerLog } from '../protocol/secagg/record.ts'

export function fileAnswerLog(path: string): AnswerLog {
  return {
    load: async () => readFile(path).catch(() => undefined),
    commit: async (record) => {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 })
      const file = await open(`${path}.part`, 'w', 0o600)
      try {
        await file.writeFile(record)
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(`${path}.part`, path)
      await syncFolder(dirname(path))
    },
  }
}

/** Without it the rename itself may be lost. Windows cannot open folders and needs no such call. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
