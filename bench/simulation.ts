/** Seconds a simulated round: the setting in which peers were measured, thousands of small sites, and one worker beside two. */

import { availableParallelism } from 'node:os'
import { setFlagsFromString } from 'node:v8'
import type { RunEvent } from '../coordinator/events.ts'
import { planMenus } from '../learning/computation.ts'
import { supports } from '../learning/engine/compiled/machine.ts'
import { type Plan, parsePlan } from '../protocol/plan.ts'
import { Stream } from '../protocol/stream.ts'
import { conduct } from '../simulations/runner/conduct.ts'
import { openPool, type Pool } from '../simulations/runner/pool.ts'
import { type Population, shared } from '../simulations/runner/population.ts'
import { synchronous } from '../simulations/runner/schedule.ts'
import type { BenchOptions, BenchResult } from './result.ts'
import { torchTimes } from './torch.ts'

/** Seconds a round of Flower with Ray on a quiet machine of two cores (see docs/benchmarks.md). */
const flower: Readonly<Record<string, { readonly wall: number; readonly cpu: number }>> = {
  '2nn 10': { wall: 0.66, cpu: 0.71 },
  '2nn 32': { wall: 0.41, cpu: 0.46 },
  'cnn 10': { wall: 5.0, cpu: 9.3 },
  'cnn 32': { wall: 4.4, cpu: 8.1 },
}

interface Setting {
  readonly name: string
  readonly plan: Plan
  readonly population: Population
  readonly sampled: number
}

interface Measured {
  /** Medians over the training rounds. */
  readonly wall: number
  readonly cpu: number
  /** From the call to the end of the first training round. */
  readonly first: number
  /** Bytes of the process when the rounds are done. */
  readonly memory: number
}

export async function simulation({ quick, progress }: BenchOptions): Promise<BenchResult[]> {
  if (!supports('relaxed')) setFlagsFromString('--experimental-wasm-relaxed-simd')
  const cores = availableParallelism()
  const results: BenchResult[] = []
  const add = (name: string, value: number, unit: string, reference: number | null): void => {
    const ratio = reference === null ? null : value / reference
    results.push({ name, value, unit, reference, ratio })
    progress(`${name}: ${value.toPrecision(3)} ${unit}${ratio === null ? '' : `, ratio ${ratio.toPrecision(2)}`}`)
  }
  const torch = torchTimes(quick ? ['2nn'] : ['2nn', 'cnn'], [10, 32], quick ? 0.2 : 1)
  progress(torch === undefined ? 'no PyTorch here' : `PyTorch ${torch.version}: its steps alone, one thread`)
  // The small sites first: what the process holds at its end is measured before the pictures come.
  const small = smallSites(quick ? 1000 : 10_000)
  const crowd = await withPool(cores, (pool) => measure(small, pool, quick ? 2 : 5))
  add(`${small.name}, wall`, crowd.wall, 's/round', 2)
  add(`${small.name}, memory`, crowd.memory / 2 ** 20, 'MiB', 1024)
  for (const model of quick ? ['2nn'] : ['2nn', 'cnn']) {
    for (const batch of [10, 32]) {
      const setting = peers(model, batch)
      const rounds = model === 'cnn' ? 2 : quick ? 2 : 6
      const both = await withPool(cores, (pool) => measure(setting, pool, rounds))
      const step = torch?.of(model, batch)
      const loop = step === undefined ? null : (10 * Math.ceil(600 / batch) * step) / 1000
      const peer = flower[`${model} ${batch}`]
      add(`${setting.name}, wall beside Flower`, both.wall, 's/round', peer.wall)
      add(`${setting.name}, CPU beside Flower`, both.cpu, 's/round', peer.cpu)
      add(`${setting.name}, wall beside a PyTorch loop`, both.wall, 's/round', loop)
      add(`${setting.name}, first round after start`, both.first, 's', 1)
      if (model === '2nn')
        add(`${setting.name}, ${cores} workers over one`, await speedUp(setting, cores, rounds), 'times', 1.8)
    }
  }
  return results
}

/** In turns, so that neighbours on the machine slow both alike. */
async function speedUp(setting: Setting, workers: number, rounds: number): Promise<number> {
  const ratios: number[] = []
  await withPool(1, (one) =>
    withPool(workers, async (many) => {
      for (let i = 0; i < 5; i++) {
        const alone = await measure(setting, one, Math.max(2, rounds / 2))
        ratios.push(alone.wall / (await measure(setting, many, Math.max(2, rounds / 2))).wall)
      }
    }),
  )
  return median(ratios)
}

async function withPool<T>(workers: number, use: (pool: Pool) => Promise<T>): Promise<T> {
  const pool = openPool(workers)
  try {
    return await use(pool)
  } finally {
    await pool.close()
  }
}

async function measure({ plan, population, sampled }: Setting, pool: Pool, rounds: number): Promise<Measured> {
  const began = performance.now()
  const wall: number[] = []
  const cpu: number[] = []
  let first = 0
  let used = process.cpuUsage()
  const report = (event: RunEvent): void => {
    if (event.type !== 'round') return
    const since = process.cpuUsage(used)
    used = process.cpuUsage()
    if (!event.purpose.startsWith('training')) return
    if (wall.length === 0) first = (performance.now() - began) / 1000
    wall.push(event.seconds)
    cpu.push((since.user + since.system) / 1e6)
  }
  const sites = population.sites.length
  const schedule = synchronous({ sites, sampling: { sites: sampled }, needed: 3, seed: plan.seed, fate: undefined })
  await conduct({ plan: { ...plan, rounds }, population }, { pool, schedule, report })
  return { wall: median(wall), cpu: median(cpu), first, memory: process.memoryUsage().rss }
}

const shape = { concordat: 1, evaluation: { holdout: 0 } }

/** 100 sites of 600 digits, 10 a round, E = 1. */
function peers(model: string, batch: number): Setting {
  const plan = parsePlan(
    {
      ...shape,
      name: `${model}-${batch}`,
      algorithm: { name: 'fed-avg', batchSize: batch, learningRate: 0.05 },
      model: model === '2nn' ? { name: 'mlp', hidden: [200, 200] } : { name: 'cnn' },
      data: {
        columns: [{ name: 'image', type: 'image', height: 28, width: 28 }],
        label: { column: 'digit', type: 'class', classes: [...'0123456789'] },
      },
    },
    planMenus,
  )
  const rows = 60_000
  const stream = new Stream('bench/simulation')
  const pixels = new Uint8Array(new Uint32Array(rows * 196).map(() => stream.uint32()).buffer)
  const label = new Float32Array(rows).map(() => stream.below(10))
  const images = [{ name: 'image', height: 28, width: 28, channels: 1, pixels }]
  const table = shared({ schema: plan.data, rows, columns: [], images, label })
  return {
    name: `${model}, batch ${batch}, 100 sites, 10 a round`,
    plan,
    population: { table, sites: stretches(100, 600) },
    sampled: 10,
  }
}

/** Sites of 50 rows each, a tenth of them a round, on the network of 3,969 parameters. */
function smallSites(sites: number): Setting {
  const names = Array.from({ length: 20 }, (_, i) => `x${i}`)
  const plan = parsePlan(
    {
      ...shape,
      name: 'small-sites',
      algorithm: { name: 'fed-avg', batchSize: 10 },
      model: { name: 'mlp', hidden: [64, 32, 16] },
      data: {
        columns: names.map((name) => ({ name, type: 'number', range: [-10, 10] })),
        label: { column: 'y', type: 'binary', positive: ['1'], negative: ['0'] },
      },
    },
    planMenus,
  )
  const rows = 50 * sites
  const stream = new Stream('bench/small-sites')
  const numbers = () => new Float64Array(rows).map(() => 2 * stream.uniform() - 1)
  const columns = names.map((name) => ({ type: 'number' as const, name, values: numbers() }))
  const label = new Float32Array(rows).map(() => stream.below(2))
  const table = shared({ schema: plan.data, rows, columns, label })
  const sampled = sites / 10
  return {
    name: `${sites} sites, ${sampled} a round, 3,969 parameters`,
    plan,
    population: { table, sites: stretches(sites, 50) },
    sampled,
  }
}

const stretches = (sites: number, rows: number): Population['sites'] =>
  Array.from({ length: sites }, (_, i) => ({ name: `site-${i}`, rows: [i * rows, (i + 1) * rows] }))

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
