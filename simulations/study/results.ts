/** Results of cells, kept on disk by what they depend on, so that a study that was interrupted goes on where it was. */

import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { toHex } from '../../protocol/bytes.ts'
import { canonicalHash } from '../../protocol/canonical.ts'
import { InputError } from '../../protocol/errors.ts'
import type { ClockSettings } from '../faults/fate.ts'
import type { Figures } from '../outcome.ts'
import type { Score } from '../scores.ts'
import type { Cell } from './cells.ts'
import { ownSettings } from './cells.ts'

export interface RoundLine {
  readonly round: number
  readonly purpose: string
  readonly metrics: Readonly<Record<string, number>>
  /** On the virtual clock. */
  readonly seconds: number
  readonly bytesUp: number
  readonly sites: number
  /** How many were absent, by code. */
  readonly absent: Readonly<Record<string, number>>
}

export interface SiteResult {
  readonly site: string
  readonly rows: number
  readonly figures: Figures
}

/** Of one cell and one seed: plain JSON. */
export interface CellResult {
  readonly label: string
  readonly seed: number
  /** Hash of the plan with its seed, hexadecimal. */
  readonly plan: string
  /** Hash of the final state, hexadecimal. */
  readonly modelHash: string
  readonly algorithm: string
  readonly sites: number
  readonly parameters?: number
  readonly rounds: readonly RoundLine[]
  /** Of a computation that trains nothing. */
  readonly table?: unknown
  /** On the rows that all sites hold out. */
  readonly federated?: Figures
  readonly pooled?: Figures
  readonly alone?: readonly { readonly site: string; readonly figures: Figures }[]
  /** The federated model at each site, on what it holds out; of its own model where it has one. */
  readonly own?: readonly SiteResult[]
  readonly cost: {
    readonly bytesUp: number
    readonly bytesDown: number
    /** On the virtual clock. */
    readonly seconds: number
    readonly clock: ClockSettings
  }
  readonly attack?: {
    readonly name: string
    readonly aim: string
    readonly cheats: number
    /** Of a backdoor: the share of rows that its sign turns. */
    readonly success?: number
  }
  readonly defence?: {
    readonly name: string
    readonly on: 'contributions' | 'groups'
    /** 0 where each contribution stands alone. */
    readonly groups: number
    /** Of computing, over all rounds. */
    readonly seconds: number
  }
  readonly scores?: readonly (Omit<Score, 'site'> & { readonly site: string })[]
  /** At the delta of the plan, 1e-5 without one; absent where something was released without noise. */
  readonly epsilon?: number
  /** Real seconds. */
  readonly wall: number
}

/** Changes when the same cell would give other results. */
const resultVersion = 1

/** What a result depends on, hexadecimal; `data` stands for the files read. */
export const cellKey = ({ plan, settings }: Cell, data: string): string =>
  toHex(canonicalHash(JSON.parse(JSON.stringify({ resultVersion, plan, settings: ownSettings(settings), data }))))

export interface ResultStore {
  load(key: string): Promise<CellResult | undefined>
  save(key: string, result: CellResult): Promise<void>
}

export const noResults: ResultStore = { load: async () => undefined, save: async () => {} }

/** @throws InputError ERR_STUDY_RESULTS */
export async function openResults(folder: string, { fresh }: { readonly fresh: boolean }): Promise<ResultStore> {
  const refuse = (error: unknown): never => {
    throw new InputError('ERR_STUDY_RESULTS', error instanceof Error ? error.message : String(error), folder)
  }
  await mkdir(folder, { recursive: true }).catch(refuse)
  const pathOf = (key: string): string => join(folder, `${key}.json`)
  return {
    async load(key) {
      if (fresh) return undefined
      const text = await readFile(pathOf(key), 'utf8').catch(() => undefined)
      // A file that was cut off in the middle is as good as none.
      return text === undefined ? undefined : parsed(text)
    },
    async save(key, result) {
      const path = pathOf(key)
      await writeFile(`${path}.new`, JSON.stringify(result)).catch(refuse)
      await rename(`${path}.new`, path).catch(refuse)
    },
  }
}

function parsed(text: string): CellResult | undefined {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
