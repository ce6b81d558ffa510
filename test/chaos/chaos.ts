/** A federation of real processes in which something fails every round, and what must hold at its end all the same. */

import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Stream } from '../../protocol/stream.ts'
import { datasets } from '../../simulations/datasets/index.ts'
import { type Command, type ProcessFederation, startProcesses } from '../../simulations/demo/processes.ts'
import { FaultProxy } from '../support/fault-proxy.ts'
import { drawFault, type Fault, isCoordinators, kinds, skewed } from './faults.ts'
import { type SiteFile, verdicts } from './verdicts.ts'

export interface ChaosOptions {
  readonly sites: number
  readonly rounds: number
  readonly seed: number
  readonly progress: (line: string) => void
}

export interface ChaosResult {
  readonly committed: number
  /** Attempts that were begun and gave no sum. */
  readonly aborted: number
  readonly faults: Readonly<Record<Fault['kind'], number>>
  /** Rounds that equal, bit for bit, the same contributions without faults. */
  readonly replayed: number
  readonly journal: 'holds' | 'broken'
  /** Contributions that left sites; each attempt at most once a site. */
  readonly answers: number
  readonly answeredTwice: number
  /** Largest resident memory of a coordinator process, in megabytes, in the first and in the last third of the run. */
  readonly coordinatorMegabytes: readonly [number, number]
  readonly siteMegabytes: readonly [number, number]
  readonly seconds: number
  /** Sites that stood in a sum although the one before had missed them. */
  readonly returns: number
  /** Times that a site would not take part: no fault is a reason for that. */
  readonly declined: number
  /** Times that a site came back to its link over another connection. */
  readonly resumed: number
  /** Frames that came twice, and that came after the next one. */
  readonly twice: number
  readonly later: number
}

export async function chaos(options: ChaosOptions): Promise<ChaosResult> {
  const folder = await mkdtemp(join(tmpdir(), 'concordat-chaos-'))
  const files = await dataOf(folder, options.sites)
  const text = (await readFile('examples/hospitals.yaml', 'utf8'))
    .replace(/^rounds: .*$/m, `rounds: ${options.rounds}`)
    .replace(/^name: .*$/m, 'name: chaos')
  const planFile = join(folder, 'plan.yaml')
  await writeFile(planFile, text)
  const processes = await startProcesses({
    ...{ entry: 'dist/concordat.js', folder, sites: files, patience: 4, assembly: 0.2 },
  })
  const storm = await Storm.over(
    processes,
    files.map(({ name }) => name),
    options,
  )
  const began = Date.now()
  try {
    const run = processes.run(planFile)
    run.watch((line) => {
      if (line.type === 'round') storm.strike(Number(line.round))
    })
    const finished = await run.until(({ type }) => type === 'finished')
    const seconds = (Date.now() - began) / 1000
    await storm.calm()
    options.progress(`finished after ${Number(finished.rounds)} rounds in ${seconds.toFixed(0)} s`)
    return { ...storm.figures(), seconds, ...(await verdicts(folder, text, { files, processes })) }
  } finally {
    await storm.end()
    await processes.stop()
  }
}

/** As many hospitals as are asked for, four of each seed. */
async function dataOf(folder: string, count: number): Promise<SiteFile[]> {
  const files: SiteFile[] = []
  for (let seed = 1; files.length < count; seed++) {
    for (const { site, csv } of datasets['four-hospitals'].generate({ seed }).slice(0, count - files.length)) {
      const name = `${site}-${seed}`
      await writeFile(join(folder, `${name}.csv`), csv)
      files.push({ name, data: join(folder, `${name}.csv`) })
    }
  }
  return files
}

/** The processes and the networks between them, and what is done to them. */
class Storm {
  readonly #processes: ProcessFederation
  readonly #names: readonly string[]
  readonly #options: ChaosOptions
  readonly #networks: readonly FaultProxy[]
  readonly #sites: Command[]
  readonly #stream: Stream
  readonly #busy = new Set<number | 'coordinator'>()
  readonly #pending = new Set<Promise<void>>()
  readonly #counts = new Map<Fault['kind'], number>()
  /** Hours each clock is ahead. A site does not work with a clock that was set back: its ledger would forget. */
  readonly #ahead = new Map<number | 'coordinator', number>()
  readonly #memory = { coordinator: [0, 0], site: [0, 0] }
  #resumed = 0
  #coordinator: Command
  #calm = false

  private constructor(
    processes: ProcessFederation,
    names: readonly string[],
    { options, networks }: { readonly options: ChaosOptions; readonly networks: readonly FaultProxy[] },
  ) {
    this.#processes = processes
    this.#names = names
    this.#options = options
    this.#networks = networks
    this.#stream = new Stream(`chaos/${options.seed}`)
    this.#coordinator = processes.coordinator
    this.#sites = names.map((_, i) => this.#start(i))
  }

  static async over(processes: ProcessFederation, names: readonly string[], options: ChaosOptions): Promise<Storm> {
    const port = Number(new URL(processes.url).port)
    const networks = await Promise.all(names.map(() => FaultProxy.to(port)))
    return new Storm(processes, names, { options, networks })
  }

  /** A round was committed: the next fault begins. */
  strike(round: number): void {
    if (this.#calm) return
    void this.#measure(round)
    const fault = this.#draw()
    this.#counts.set(fault.kind, (this.#counts.get(fault.kind) ?? 0) + 1)
    if (round % 20 === 0) this.#options.progress(`round ${round}: ${fault.kind}`)
    const target = isCoordinators(fault) ? 'coordinator' : fault.site
    this.#busy.add(target)
    const over = this.#inflict(fault).finally(() => {
      this.#busy.delete(target)
      this.#pending.delete(over)
    })
    this.#pending.add(over)
  }

  /** No further faults; those under way end. */
  async calm(): Promise<void> {
    this.#calm = true
    await Promise.all(this.#pending)
  }

  async end(): Promise<void> {
    await this.calm()
    await Promise.all(this.#networks.map((network) => network.close()))
  }

  figures() {
    const struck = this.#networks.map((network) => network.struck)
    const total = (count: (of: FaultProxy['struck']) => number): number =>
      struck.reduce((sum, of) => sum + count(of), 0)
    const faults = Object.fromEntries(kinds.map((kind) => [kind, this.#counts.get(kind) ?? 0]))
    const [coordinatorMegabytes, siteMegabytes] = [this.#memory.coordinator, this.#memory.site].map(
      ([first, last]): [number, number] => [first, last],
    )
    return {
      ...{ faults: faults as ChaosResult['faults'], coordinatorMegabytes, siteMegabytes, resumed: this.#resumed },
      ...{ twice: total(({ twice }) => twice), later: total(({ later }) => later) },
    }
  }

  /** Whoever is suffering already is not struck again; where all are, a network gets slower. */
  #draw(): Fault {
    for (let i = 0; i < 50; i++) {
      const fault = drawFault(this.#stream, this.#names.length)
      if (!this.#busy.has(isCoordinators(fault) ? 'coordinator' : fault.site)) return fault
    }
    return { kind: 'network-slow', site: this.#stream.below(this.#names.length), lasts: 100, skew: 0 }
  }

  async #inflict({ kind, site, lasts, skew }: Fault): Promise<void> {
    const network = this.#networks[site]
    switch (kind) {
      case 'site-killed':
      case 'site-clock-skewed':
        await this.#sites[site].kill('SIGKILL')
        await delay(kind === 'site-killed' ? lasts / 2 : 0)
        this.#sites[site] = this.#start(site, this.#clockOf(site, kind === 'site-killed' ? 0 : skew))
        return
      case 'site-frozen':
        this.#sites[site].freeze(true)
        await delay(lasts * 2)
        this.#sites[site].freeze(false)
        return
      case 'network-cut':
        network.cut()
        await delay(lasts)
        network.heal()
        return
      case 'network-slow':
        network.slow(20)
        await delay(lasts)
        network.heal()
        return
      case 'connection-broken':
        network.cut()
        network.heal()
        return
      case 'frames-twice':
      case 'frames-disordered': {
        let frames = 0
        network.strike(() => (kind === 'frames-twice' ? 'twice' : frames++ % 3 === 1 ? 'later' : 'passes'))
        await delay(lasts * 2)
        network.strike()
        return
      }
      case 'coordinator-frozen':
        this.#coordinator.freeze(true)
        await delay(lasts / 2)
        this.#coordinator.freeze(false)
        return
      case 'coordinator-disk-full': {
        await this.#coordinator.kill('SIGKILL')
        const full = this.#processes.coordinatorAgain({ fileBlocks: 1 })
        const { code, stderr } = await full.exited
        if (code !== 2 || !stderr.includes('ERR_STORE')) throw new Error(`a full disk ended with ${code}: ${stderr}`)
        this.#coordinator = this.#processes.coordinatorAgain({ environment: this.#clockOf('coordinator', 0) })
        return
      }
      case 'coordinator-killed':
      case 'coordinator-clock-skewed':
        await this.#coordinator.kill('SIGKILL')
        this.#coordinator = this.#processes.coordinatorAgain({
          environment: this.#clockOf('coordinator', kind === 'coordinator-killed' ? 0 : skew),
        })
    }
  }

  #start(site: number, environment: Readonly<Record<string, string>> = {}): Command {
    const { port } = this.#networks[site]
    const agent = this.#processes.site(this.#names[site], { port, environment })
    agent.watch(({ type }) => {
      if (type === 'resumed') this.#resumed++
    })
    return agent
  }

  #clockOf(whose: number | 'coordinator', skew: number): Readonly<Record<string, string>> {
    const ahead = Math.max(this.#ahead.get(whose) ?? 0, skew)
    this.#ahead.set(whose, ahead)
    return skewed(ahead)
  }

  async #measure(round: number): Promise<void> {
    const third = round < this.#options.rounds / 3 ? 0 : round > (2 * this.#options.rounds) / 3 ? 1 : undefined
    if (third === undefined) return
    const note = async (into: number[], { pid }: Command): Promise<void> => {
      into[third] = Math.max(into[third], await megabytesOf(pid))
    }
    await note(this.#memory.coordinator, this.#coordinator)
    for (const site of this.#sites) await note(this.#memory.site, site)
  }
}

/** Resident memory of a process; 0 where it has just ended. Linux alone tells. */
async function megabytesOf(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1024
}
