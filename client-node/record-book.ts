/** A site's copy of each run on disk: the plan and what was pinned for it, the journal, and the published sums. */

import { existsSync } from 'node:fs'
import { appendFile, mkdir, readdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { planMenus } from '../learning/computation.ts'
import { fromHex, toHex } from '../protocol/bytes.ts'
import { InputError } from '../protocol/errors.ts'
import { decodeLog, encodeEntry } from '../protocol/journal/codec.ts'
import type { SealedEntry } from '../protocol/journal/entries.ts'
import type { RecordBook } from '../protocol/participant/shell.ts'
import { check, type Plan, parsePlan } from '../protocol/plan.ts'
import { identityHex } from '../protocol/roster.ts'
import type { RosterEntry } from '../protocol/wire/messages.ts'
import { replaceFile } from './replace-file.ts'

/** What this site held to when it joined a run. */
export interface Pinned {
  /** This site's name in the roster. */
  readonly name: string
  readonly coordinator: Uint8Array
  readonly roster: readonly RosterEntry[]
}

export interface KeptRun extends Pinned {
  readonly session: string
  readonly plan: Plan
  readonly entries: readonly SealedEntry[]
  sum(hash: string): Promise<Uint8Array | undefined>
}

const runSchema = z.strictObject({
  name: z.string(),
  plan: z.unknown(),
  coordinator: identityHex,
  roster: z.array(z.strictObject({ name: z.string(), identity: identityHex })),
})

export function fileBook(folder: string, pinned: Pinned): RecordBook {
  const home = (session: string): string => join(folder, 'runs', session)
  return {
    open: async (session, plan) => {
      await mkdir(join(home(session), 'sums'), { recursive: true, mode: 0o700 })
      const roster = pinned.roster.map(({ name, identity }) => ({ name, identity: toHex(identity) }))
      const run = { name: pinned.name, plan, coordinator: toHex(pinned.coordinator), roster }
      await replaceFile(join(home(session), 'run.json'), Buffer.from(`${JSON.stringify(run)}\n`))
      const path = join(home(session), 'journal.jsonl')
      const bytes = await readFile(path).catch(() => new Uint8Array(0))
      const { entries, torn } = decodeLog(bytes)
      // Half a line is what a crash left; the coordinator sends the entry again.
      if (torn > 0) await truncate(path, bytes.length - torn)
      return entries
    },
    append: async (session, entries) => {
      if (entries.length === 0) return
      await appendFile(join(home(session), 'journal.jsonl'), Buffer.concat(entries.map(encodeEntry)), {
        mode: 0o600,
        flush: true,
      })
    },
    keepSum: (session, hash, bytes) => writeFile(join(home(session), 'sums', hash), bytes, { mode: 0o600 }),
  }
}

/** The roster with which this site has joined a run; `undefined` where it has not, or its record says nothing. */
export async function joinedUnder(folder: string, session: string): Promise<readonly RosterEntry[] | undefined> {
  if (!existsSync(join(folder, 'runs', session, 'run.json'))) return undefined
  const kept = await keptRun(folder, session).catch(() => undefined)
  return kept?.roster
}

/** The runs this site has a copy of. @throws InputError ERR_RECORD where one is not as the agent wrote it. */
export async function keptRuns(folder: string): Promise<readonly KeptRun[]> {
  const names = await readdir(join(folder, 'runs')).catch(() => [])
  return Promise.all(names.filter((name) => /^[0-9a-f]{64}$/.test(name)).map((name) => keptRun(folder, name)))
}

/** The one run whose session begins so, or whose plan has this name; the last one of that name. @throws InputError ERR_RECORD */
export async function findRun(folder: string, wanted: string | undefined): Promise<KeptRun> {
  const meant = (await keptRuns(folder)).filter(
    ({ session, plan }) => wanted === undefined || session.startsWith(wanted) || plan.name === wanted,
  )
  const begun = (run: KeptRun): number => run.entries[0]?.at ?? 0
  const [last] = [...meant].sort((a, b) => begun(b) - begun(a))
  if (last !== undefined) return last
  throw new InputError('ERR_RECORD', `no run ${wanted ?? ''} is kept in ${folder}`)
}

async function keptRun(folder: string, session: string): Promise<KeptRun> {
  const home = join(folder, 'runs', session)
  const { name, plan, coordinator, roster } = check(
    runSchema,
    JSON.parse(await readFile(join(home, 'run.json'), 'utf8')),
    [],
    'ERR_RECORD',
  )
  return {
    session,
    name,
    plan: parsePlan(plan, planMenus),
    coordinator: fromHex(coordinator),
    roster: roster.map(({ name, identity }) => ({ name, identity: fromHex(identity) })),
    entries: decodeLog(await readFile(join(home, 'journal.jsonl')).catch(() => new Uint8Array(0))).entries,
    sum: (hash) => readFile(join(home, 'sums', hash)).catch(() => undefined),
  }
}
