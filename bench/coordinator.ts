/**
 * The coordinator as a process of its own, with many sites on sockets in this one: what an idle site costs, what a round takes beside
 * the bytes and masks it is made of, and how soon a killed coordinator is in a round again.
 */

import { setMaxListeners } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import * as z from 'zod'
import { csvFile } from '../client-node/data/csv.ts'
import { planMenus } from '../learning/computation.ts'
import { chooseTrainer } from '../learning/engine/choose.ts'
import { fromHex } from '../protocol/bytes.ts'
import { nodeProvider } from '../protocol/crypto/node/provider.ts'
import { parsePlanFile } from '../protocol/plan.ts'
import { rosterText } from '../protocol/roster.ts'
import { datasets } from '../simulations/datasets/index.ts'
import { Command } from '../simulations/demo/processes.ts'
import { linksOf, type Population, population, random, takePart } from './coordinator-sites.ts'
import type { BenchOptions, BenchResult } from './result.ts'

const entry = 'dist/concordat.js'

export async function coordinator({ quick, progress }: BenchOptions): Promise<BenchResult[]> {
  return [
    ...(await idle(quick ? 100 : 1000, progress)),
    ...(await rounds({ sites: quick ? 10 : 100, hidden: 978, parameters: '10^6' }, progress)),
    ...(await rounds({ sites: 10, hidden: quick ? 978 : 3140, parameters: quick ? '10^6' : '10^7' }, progress)),
    await resumed(progress),
  ]
}

interface Running {
  readonly folder: string
  readonly process: Command
  readonly url: URL
  readonly key: Uint8Array
  again(): Promise<Command>
  end(): Promise<void>
}

async function start({ roster }: Population): Promise<Running> {
  const folder = await mkdtemp(join(tmpdir(), 'concordat-bench-'))
  await writeFile(join(folder, 'roster.json'), rosterText(roster))
  const launch = async (port: string) => {
    const command = new Command(entry, [
      ...['coordinator', '--dir', folder, '--port', port, '--assembly', '600', '--patience', '300'],
    ])
    const told = z.object({ url: z.string(), key: z.string() })
    return { command, ...told.parse(await command.until(({ type }) => type === 'listening')) }
  }
  const { command, url, key } = await launch('0')
  let running = command
  return {
    ...{ folder, process: command, url: new URL(url), key: fromHex(key) },
    again: async () => {
      running = (await launch(new URL(url).port)).command
      return running
    },
    end: async () => {
      await running.kill('SIGKILL')
      await rm(folder, { recursive: true })
    },
  }
}

/** Of a process, as Linux tells it: megabytes now and at most, seconds of CPU. */
function usageOf({ pid }: Command) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const megabytes = (name: string): number => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1]) / 1024
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')
  // utime and stime, in ticks of which Linux has a hundred a second.
  return { now: megabytes('VmRSS'), peak: megabytes('VmHWM'), cpu: (Number(stat[11]) + Number(stat[12])) / 100 }
}

async function idle(sites: number, progress: (line: string) => void): Promise<BenchResult[]> {
  const people = await population(sites)
  const running = await start(people)
  try {
    await delay(1000)
    const before = usageOf(running.process)
    const links = []
    for (let i = 0; i < sites; i += 50) {
      const group = people.identities.slice(i, i + 50)
      links.push(...(await Promise.all(group.map((identity) => linksOf(running.url, running.key, identity).next()))))
    }
    await delay(5_000)
    const settled = usageOf(running.process)
    await delay(20_000)
    const after = usageOf(running.process)
    for (const link of links) link.close()
    progress(`${sites} sites connected: ${before.now.toFixed(0)} to ${after.now.toFixed(0)} MB`)
    return [
      figure(`memory of one of ${sites} idle sites`, ((after.now - before.now) * 1024) / sites, 'kB'),
      figure(`heartbeats of ${sites} sites`, ((after.cpu - settled.cpu) / 20) * 100, '% of a core'),
    ]
  } finally {
    await running.end()
  }
}

interface Case {
  readonly sites: number
  readonly hidden: number
  readonly parameters: string
}

async function planText({ hidden, rounds }: { readonly hidden: number; readonly rounds: number }): Promise<string> {
  return (await readFile('examples/hospitals.yaml', 'utf8'))
    .replace(/^rounds: .*$/m, `rounds: ${rounds}`)
    .replace(/model:\n( {2}.*\n)+/, `model: { name: mlp, hidden: [${hidden}, ${hidden}] }\n`)
    .replace(/holdout: .*$/m, 'holdout: 0')
}

async function siteOf(folder: string, text: string) {
  const { plan } = parsePlanFile(text, planMenus)
  const path = join(folder, 'rows.csv')
  const [{ csv }] = datasets['four-hospitals'].generate({ seed: 1 })
  await writeFile(path, csv.split('\n').slice(0, 60).join('\n'))
  const { table } = await csvFile(path).table({ schema: plan.data })
  return { name: 'every', table, trainer: chooseTrainer() }
}

/** Joins all sites to a run of `rounds` rounds. */
async function under(running: Running, people: Population, { hidden, rounds }: { hidden: number; rounds: number }) {
  const text = await planText({ hidden, rounds })
  const site = await siteOf(running.folder, text)
  const stopped = new AbortController()
  setMaxListeners(0, stopped.signal)
  const watchers = new Set<(type: string) => void>()
  const parts = {
    ...people,
    ...{ url: running.url, coordinator: running.key, site },
    report: (_index: number, { type }: { readonly type: string }) => {
      for (const watcher of watchers) watcher(type)
    },
  }
  const served = people.identities.map((_, index) => takePart(index, parts, stopped.signal))
  await writeFile(join(running.folder, 'plan.yaml'), text)
  const run = new Command(entry, [
    ...['run', join(running.folder, 'plan.yaml'), '--coordinator', running.url.href],
    ...['--token-file', join(running.folder, 'operator.token'), '--out', join(running.folder, 'out')],
  ])
  const end = async (): Promise<void> => {
    stopped.abort()
    await run.kill('SIGKILL')
    await Promise.all(served)
  }
  return { run, watchers, end }
}

async function rounds({ sites, hidden, parameters }: Case, progress: (line: string) => void): Promise<BenchResult[]> {
  const people = await population(sites)
  const running = await start(people)
  const { run, end } = await under(running, people, { hidden, rounds: 4 })
  try {
    await run.until(({ type }) => type === 'finished')
    const told = z.object({ seconds: z.number(), bytesUp: z.number() })
    const training = run.lines.filter(({ type, purpose }) => type === 'round' && String(purpose).startsWith('training'))
    // The first training round deals its keys with a message of its own; the others are the steady state.
    const measured = training.slice(1).map((line) => told.parse(line))
    const seconds = measured.map((each) => each.seconds).sort((a, b) => a - b)[Math.floor(measured.length / 2)]
    const { peak } = usageOf(running.process)
    const bytes = measured[0].bytesUp / sites
    const floor = await floorOf({ sites, bytes })
    progress(`${sites} sites x ${parameters}: ${(bytes / 1e6).toFixed(1)} MB each, ${seconds.toFixed(2)} s a round`)
    return [
      { ...figure(`round of ${sites} sites x ${parameters}`, seconds, 's'), reference: floor, ratio: seconds / floor },
      figure(`coordinator's peak memory, ${sites} sites x ${parameters}`, peak, 'MB'),
    ]
  } finally {
    await end()
    await running.end()
  }
}

/** What a round cannot do without, one after the other on one core: every site's masks and the coordinator's, and one hash of what comes. */
async function floorOf({ sites, bytes }: { readonly sites: number; readonly bytes: number }): Promise<number> {
  const vector = new Int32Array(bytes / 4)
  const masks = Array.from({ length: 8 }, () => ({ seed: random.bytes(32), sign: 1 as const }))
  await nodeProvider.addMasks(vector, masks)
  const began = performance.now()
  await nodeProvider.addMasks(vector, masks)
  const mask = (performance.now() - began) / 1000 / masks.length
  const packed = new Uint8Array(vector.buffer)
  const hashing = performance.now()
  await nodeProvider.sha256(packed)
  const hash = (performance.now() - hashing) / 1000
  // A vector goes up once; both ends hash it, and each copies it through a socket at about the pace of a hash.
  return sites * (sites * mask + mask + 3 * hash)
}

async function resumed(progress: (line: string) => void): Promise<BenchResult> {
  const people = await population(4)
  const running = await start(people)
  const { run, watchers, end } = await under(running, people, { hidden: 8, rounds: 100_000 })
  try {
    const seconds: number[] = []
    let current = running.process
    for (let i = 0; i < 5; i++) {
      // What the command prints stops while the coordinator is away: two rounds more show that all are in it again.
      const rounds = (): number => run.lines.filter(({ type }) => type === 'round').length
      const enough = rounds() + 2
      while (rounds() < enough) await delay(20)
      await current.kill('SIGKILL')
      const began = performance.now()
      current = await running.again()
      await new Promise<void>((resolve) => {
        const watcher = (type: string): void => {
          if (type !== 'committed') return
          watchers.delete(watcher)
          resolve()
        }
        watchers.add(watcher)
      })
      seconds.push((performance.now() - began) / 1000)
    }
    progress(`killed and started: ${seconds.map((each) => each.toFixed(2)).join(', ')} s`)
    return figure('start of a killed coordinator to the next round committed', seconds.sort((a, b) => a - b)[2], 's')
  } finally {
    await end()
    await running.end()
  }
}

const figure = (name: string, value: number, unit: string): BenchResult => {
  return { name: `coordinator: ${name}`, value, unit, reference: null, ratio: null }
}
