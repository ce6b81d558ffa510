/** The desk on disk: one file a plan, with what it would mean here and what a person said to it. */

import { watch } from 'node:fs'
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { planMenus } from '../learning/computation.ts'
import { toHex } from '../protocol/bytes.ts'
import { InputError } from '../protocol/errors.ts'
import type { Desk, DeskItem } from '../protocol/participant/approval.ts'
import { previewSchema } from '../protocol/participant/preview.ts'
import { parsePlan, planHash } from '../protocol/plan.ts'

const itemSchema = z.strictObject({
  plan: z.unknown(),
  preview: previewSchema,
  came: z.number(),
  decision: z
    .strictObject({ verdict: z.enum(['approved', 'refused']), reason: z.string().max(2000), at: z.number() })
    .optional(),
})

const fileName = ({ plan }: DeskItem): string => `${toHex(planHash(plan))}.json`

export function fileDesk(folder: string): Desk {
  return {
    items: async () => {
      const names = await readdir(folder).catch(() => [])
      const files = names.filter((name) => /^[0-9a-f]{64}\.json$/.test(name)).sort()
      const items = await Promise.all(files.map((name) => readItem(join(folder, name), name)))
      return items.sort((a, b) => a.came - b.came)
    },
    put: async (item) => {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const path = join(folder, fileName(item))
      await writeFile(`${path}.part`, `${JSON.stringify(item, null, 2)}\n`, { mode: 0o600, flush: true })
      await rename(`${path}.part`, path)
    },
  }
}

/** The agent's desk, which tells when somebody else has decided on a plan. */
export class WatchedDesk implements Desk {
  readonly #folder: string
  readonly #desk: Desk
  /** The verdicts this agent has seen or written itself. */
  #known = new Map<string, string | undefined>()

  constructor(folder: string) {
    this.#folder = folder
    this.#desk = fileDesk(folder)
  }

  items(): Promise<readonly DeskItem[]> {
    return this.#desk.items()
  }

  put(item: DeskItem): Promise<void> {
    this.#known.set(fileName(item), item.decision?.verdict)
    return this.#desk.put(item)
  }

  /** @returns what ends the watching. */
  async watch(decided: () => void): Promise<() => void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    this.#known = verdicts(await this.items())
    const watcher = watch(this.#folder, () => {
      void this.items().then(
        (items) => {
          const now = verdicts(items)
          const changed = [...now].some(([plan, verdict]) => verdict !== this.#known.get(plan))
          // What this agent is putting down may not be in the folder yet.
          this.#known = new Map([...this.#known, ...now])
          if (changed) decided()
        },
        // A file that is no plan is said when the next plan comes.
        () => {},
      )
    })
    return () => watcher.close()
  }
}

const verdicts = (items: readonly DeskItem[]): Map<string, string | undefined> =>
  new Map(items.map((item) => [fileName(item), item.decision?.verdict]))

async function readItem(path: string, name: string): Promise<DeskItem> {
  try {
    const { plan: written, decision, ...rest } = itemSchema.parse(JSON.parse(await readFile(path, 'utf8')))
    const item = { ...rest, plan: parsePlan(written, planMenus), decision }
    if (fileName(item) === name) return item
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof z.ZodError || error instanceof InputError)) throw error
  }
  // An edited plan must not pass under the hash of the one that was approved.
  throw new InputError(
    'ERR_DESK',
    'expected a plan as the agent keeps it; delete the file, and the plan comes anew',
    path,
  )
}
