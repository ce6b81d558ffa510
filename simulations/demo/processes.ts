/** Real processes on this machine: a coordinator and its sites, started, watched line by line, killed and started again. */

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { stringify } from 'yaml'
import * as z from 'zod'
import { fromHex } from '../../protocol/bytes.ts'
import { rosterText } from '../../protocol/roster.ts'

const lineSchema = z.looseObject({ type: z.string().optional() })

/** One line of a process's `--json` output. */
export type Line = z.infer<typeof lineSchema>

export interface Exit {
  readonly code: number | null
  readonly signal: string | null
  readonly stderr: string
}

/** What a process finds around it. */
export interface Surroundings {
  readonly environment?: Readonly<Record<string, string>>
  /** No file may grow beyond so many blocks of 512 bytes: how a disk that is full looks to it. Not on Windows. */
  readonly fileBlocks?: number
  /** The user it runs as, where we may choose: root is refused nothing. */
  readonly user?: number | undefined
}

/** A running `concordat` command whose output is one JSON object a line. */
export class Command {
  readonly exited: Promise<Exit>
  /** Every line so far. */
  readonly lines: Line[] = []
  readonly #child: ChildProcess
  readonly #watchers = new Set<(line: Line) => void>()

  constructor(entry: string, arguments_: readonly string[], { environment = {}, fileBlocks, user }: Surroundings = {}) {
    const command = [process.execPath, entry, ...arguments_, '--json']
    const limited =
      fileBlocks === undefined ? command : ['sh', '-c', `ulimit -f ${fileBlocks} && exec "$@"`, 'sh', ...command]
    this.#child = spawn(limited[0], limited.slice(1), {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
      ...(user !== undefined && { uid: user, gid: user }),
    })
    let stderr = ''
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      stderr += chunk.toString('utf8')
    })
    if (this.#child.stdout !== null)
      createInterface({ input: this.#child.stdout }).on('line', (line) => this.#take(line))
    this.exited = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => resolve({ code, signal, stderr }))
    })
  }

  /** Calls `watcher` with every line to come. */
  watch(watcher: (line: Line) => void): void {
    this.#watchers.add(watcher)
  }

  /** The first line, past or to come, that `matches`. Rejects with what the process wrote when it ends before. */
  async until(matches: (line: Line) => boolean): Promise<Line> {
    const past = this.lines.find(matches)
    if (past !== undefined) return past
    const found = new Promise<Line>((resolve) => {
      const watcher = (line: Line): void => {
        if (!matches(line)) return
        this.#watchers.delete(watcher)
        resolve(line)
      }
      this.#watchers.add(watcher)
    })
    const ended = this.exited.then(({ code, signal, stderr }): never => {
      throw new Error(`the process ended (${signal ?? code}) before it said what was awaited: ${stderr}`)
    })
    return Promise.race([found, ended])
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<Exit> {
    this.#child.kill(signal)
    return this.exited
  }

  /** Stops it in its tracks, or lets it go on. */
  freeze(frozen: boolean): void {
    this.signal(frozen ? 'SIGSTOP' : 'SIGCONT')
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  #take(text: string): void {
    const line = lineSchema.parse(JSON.parse(text))
    this.lines.push(line)
    for (const watcher of [...this.#watchers]) watcher(line)
  }
}

export interface ProcessSite {
  readonly name: string
  /** Its CSV file. */
  readonly data: string
}

export interface SiteStart extends Surroundings {
  /** A port that leads to the coordinator; its own where unset. */
  readonly port?: number
}

export interface ProcessFederation {
  readonly url: string
  readonly coordinatorKey: string
  readonly coordinator: Command
  readonly rosterFile: string
  /** Starts the coordinator again, at the same place, once it has ended. */
  coordinatorAgain(surroundings?: Surroundings): Command
  /** Starts a site's agent, or starts it again. */
  site(name: string, options?: SiteStart): Command
  /** `concordat run PLAN`. */
  run(planFile: string): Command
  /** Stops every process that still runs, gracefully. */
  stop(): Promise<readonly Exit[]>
}

export interface ProcessOptions {
  /** The built command, `dist/concordat.js`. */
  readonly entry: string
  /** Keys, journals and results go here. */
  readonly folder: string
  readonly sites: readonly ProcessSite[]
  /** Seconds of silence after which a site is given up. */
  readonly patience?: number
  /** Seconds to wait for the rest of the roster once the quorum is there. */
  readonly assembly?: number
  /** What the coordinator finds around it, every time it is started. */
  readonly surroundings?: Surroundings
  /** Further options of `concordat coordinator`. */
  readonly coordinatorOptions?: readonly string[]
  /** What every site's policy says; `demoPolicy` where unset. */
  readonly policy?: Readonly<Record<string, unknown>>
}

/** The defaults of `concordat policy init` but for what a demonstration without noise and without a person at hand needs. */
export const demoPolicy = {
  approval: 'automatic',
  parametersPerRow: null,
  privacy: { unprotected: true },
} as const

/** Makes every site's key where the site keeps it, writes the roster, and starts the coordinator. */
export async function startProcesses({
  entry,
  folder,
  sites,
  patience = 20,
  assembly = 600,
  surroundings = {},
  coordinatorOptions = [],
  policy = demoPolicy,
}: ProcessOptions): Promise<ProcessFederation> {
  await mkdir(folder, { recursive: true })
  const started: Command[] = []
  const startIn = (around: Surroundings, ...arguments_: string[]): Command => {
    const command = new Command(entry, arguments_, around)
    started.push(command)
    return command
  }
  const start = (...arguments_: string[]): Command => startIn({}, ...arguments_)
  const home = (name: string): string => join(folder, name)
  const roster = await Promise.all(
    sites.map(async ({ name }) => {
      const line = await start('keygen', '--name', name, '--key', join(home(name), 'identity.key')).until(() => true)
      // As a person at the site would leave it: read, changed and confirmed.
      await writeFile(join(home(name), 'policy.yaml'), stringify({ concordat: 1, confirmed: true, ...policy }))
      return { name, identity: fromHex(z.string().parse(line.identity)) }
    }),
  )
  const rosterFile = join(folder, 'roster.json')
  await writeFile(rosterFile, rosterText(roster))
  const coordinatorHome = join(folder, 'coordinator')
  const startCoordinator = (port: string, around: Surroundings = {}): Command =>
    startIn(
      { ...surroundings, ...around, environment: { ...surroundings.environment, ...around.environment } },
      ...['coordinator', '--dir', coordinatorHome, '--roster', rosterFile, '--port', port],
      ...['--patience', String(patience), '--assembly', String(assembly), ...coordinatorOptions],
    )
  const coordinator = startCoordinator('0')
  const { url, key } = z
    .object({ url: z.string(), key: z.string() })
    .parse(await coordinator.until(({ type }) => type === 'listening'))
  const files = new Map(sites.map(({ name, data }) => [name, data]))
  return {
    url,
    coordinatorKey: key,
    coordinator,
    rosterFile,
    coordinatorAgain: (around) => startCoordinator(new URL(url).port, around),
    site: (name, { port, ...around } = {}) =>
      startIn(
        around,
        ...['site', '--name', name, '--folder', home(name), '--roster', rosterFile, '--data', files.get(name) ?? ''],
        ...['--coordinator', port === undefined ? url : `http://127.0.0.1:${port}`, '--coordinator-key', key],
      ),
    run: (planFile) =>
      start(
        ...['run', planFile, '--coordinator', url, '--token-file', join(coordinatorHome, 'operator.token')],
        ...['--out', join(folder, 'result')],
      ),
    stop: () => Promise.all(started.map((command) => command.kill('SIGTERM'))),
  }
}
