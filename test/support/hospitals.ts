/** The four built-in hospitals as processes: a coordinator, agents that a test starts, plans, and what the operator sees. */

import { execFile } from 'node:child_process'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseDocument } from 'yaml'
import type * as z from 'zod'
import { routes } from '../../coordinator/api-routes.ts'
import { planMenus } from '../../learning/computation.ts'
import { chooseTrainer } from '../../learning/engine/choose.ts'
import { parsePlanFile } from '../../protocol/plan.ts'
import { datasets } from '../../simulations/datasets/index.ts'
import {
  Command,
  type Line,
  type ProcessFederation,
  type ProcessOptions,
  startProcesses,
} from '../../simulations/demo/processes.ts'
import { simulate } from '../../simulations/simulate.ts'

export const entry = 'dist/concordat.js'
export const hospitals = ['university', 'heart-centre', 'county', 'veterans']

export const ofType =
  (wanted: string) =>
  (line: Line): boolean =>
    line.type === wanted

/** The next line to come that matches; what was said before does not count. */
export const next = (command: Command, matches: (line: Line) => boolean): Promise<Line> => {
  const past = new Set(command.lines)
  return command.until((line) => !past.has(line) && matches(line))
}

/** A command with `--json` that ends by itself: its exit code, what it prints, and what it says on standard error. */
export async function concordat(...words: string[]) {
  const { code, stdout, stderr } = await new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) => {
    execFile(process.execPath, [entry, ...words, '--json'], (error, out, err) => {
      resolve({ code: error === null ? 0 : error.code, stdout: out, stderr: err })
    })
  })
  const said = stdout
    .trim()
    .split('\n')
    .filter((line) => line !== '')
  const lines = said.map((line): unknown => JSON.parse(line))
  return { code, stderr, lines, last: lines.at(-1) }
}

/** Ends in reverse order what a test has begun. */
export class Ends {
  readonly #ends: (() => unknown)[] = []

  add(end: () => unknown): void {
    this.#ends.push(end)
  }

  async all(): Promise<void> {
    for (const end of this.#ends.splice(0).toReversed()) await end()
  }
}

export interface Hospitals {
  readonly folder: string
  readonly processes: ProcessFederation
  /** Flags with which a command finds the coordinator as its operator. */
  readonly operator: readonly string[]
  /** The plan of `examples/hospitals.yaml` under another name. */
  plan(name: string, options: PlanOptions): Promise<string>
  api(path: string, method?: 'GET' | 'POST', body?: string): Promise<Response>
  runs(): Promise<readonly RunSummary[]>
  /** @returns the id of the run. */
  submit(planFile: string): Promise<string>
  /** `concordat runs watch`. */
  watch(id: string): Command
}

export type RunSummary = z.infer<typeof routes.showRun.answer.schema>

export interface PlanOptions {
  readonly rounds: number
  /** Options of the algorithm that are not those of the example. */
  readonly algorithm?: Readonly<Record<string, number>>
  /** Parts of the plan that are others altogether. */
  readonly parts?: Readonly<Record<string, unknown>>
}

export async function startHospitals(
  ends: Ends,
  options: Omit<ProcessOptions, 'entry' | 'folder' | 'sites'> = {},
): Promise<Hospitals> {
  const folder = await mkdtemp(join(tmpdir(), 'concordat-'))
  const sites = await Promise.all(
    datasets['four-hospitals'].generate({ seed: 1 }).map(async ({ site, csv }) => {
      await writeFile(join(folder, `${site}.csv`), csv)
      return { name: site, data: join(folder, `${site}.csv`) }
    }),
  )
  const processes = await startProcesses({ entry, folder, sites, patience: 10, ...options })
  ends.add(() => processes.stop())
  const tokenFile = join(folder, 'coordinator', 'operator.token')
  const operator = ['--coordinator', processes.url, '--token-file', tokenFile]
  const api = async (path: string, method = 'GET', body?: string): Promise<Response> => {
    const headers = { authorization: `Bearer ${(await readFile(tokenFile, 'utf8')).trim()}` }
    return fetch(`${processes.url}/api/${path}`, { method, headers, ...(body !== undefined && { body }) })
  }
  return {
    ...{ folder, processes, operator, api },
    plan: async (name, { rounds, algorithm = {}, parts = {} }) => {
      const document = parseDocument(await readFile('examples/hospitals.yaml', 'utf8'))
      document.set('name', name)
      document.set('rounds', rounds)
      for (const [part, value] of Object.entries(parts)) document.set(part, value)
      for (const [option, value] of Object.entries(algorithm)) document.setIn(['algorithm', option], value)
      const path = join(folder, `${name}.yaml`)
      await writeFile(path, document.toString())
      return path
    },
    submit: async (planFile) => {
      const answer = await api('runs', 'POST', await readFile(planFile, 'utf8'))
      if (answer.status !== 201) throw new Error(await answer.text())
      return routes.submitRun.answer.schema.parse(await answer.json()).id
    },
    watch: (id) => {
      const command = new Command(entry, ['runs', 'watch', id, ...operator])
      ends.add(() => command.kill('SIGTERM'))
      return command
    },
    runs: async () => routes.listRuns.answer.schema.parse(await (await api('runs')).json()),
  }
}

/** The model of a plan on the same data, in a simulation without any fault. */
export async function undisturbed(planPath: string): Promise<string> {
  const file = parsePlanFile(await readFile(planPath, 'utf8'), planMenus)
  const [{ modelHash }] = await simulate(file, { data: undefined, trainer: chooseTrainer(), report: () => {} })
  return modelHash
}
