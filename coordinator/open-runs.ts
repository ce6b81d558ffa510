/** Runs that have not ended, on disk: what a restarted coordinator takes up again. */

import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { fromHex, toHex } from '../protocol/bytes.ts'
import { InputError } from '../protocol/errors.ts'

export interface OpenRun {
  readonly id: string
  /** The plan file as it was submitted. */
  readonly plan: string
  /** 32 fresh bytes: the session's, so that sites know the run again. */
  readonly nonce: Uint8Array
}

export interface OpenRuns {
  list(): Promise<readonly OpenRun[]>
  /** Returns when the run would survive a power cut. */
  add(run: OpenRun): Promise<void>
  remove(id: string): Promise<void>
}

const schema = z.strictObject({ plan: z.string(), nonce: z.string().regex(/^[0-9a-f]{64}$/) })

export async function openRuns(folder: string): Promise<OpenRuns> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const path = (id: string): string => join(folder, `${id}.json`)
  return {
    list: async () => {
      const names = (await readdir(folder)).filter((name) => /^[0-9a-f]{16}\.json$/.test(name))
      return Promise.all(names.sort().map((name) => read(join(folder, name), name.slice(0, 16))))
    },
    add: async ({ id, plan, nonce }) => {
      const file = await open(`${path(id)}.part`, 'w', 0o600)
      try {
        await file.writeFile(JSON.stringify({ plan, nonce: toHex(nonce) }))
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(`${path(id)}.part`, path(id))
    },
    remove: (id) => rm(path(id), { force: true }),
  }
}

async function read(path: string, id: string): Promise<OpenRun> {
  const parsed = schema.safeParse(JSON.parse(await readFile(path, 'utf8')))
  if (!parsed.success) throw new InputError('ERR_STORE', 'expected a run as this coordinator keeps it', path)
  return { id, plan: parsed.data.plan, nonce: fromHex(parsed.data.nonce) }
}
