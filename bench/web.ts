/**
 * A browser beside Node on this machine: milliseconds of a training step, mask expansion, what the pages weigh, how long the
 * participant's page takes on loopback until its worker has answered, and the observer's to draw a long run.
 */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import type { Browser } from 'playwright-core'
import * as z from 'zod'
import { startCoordinator } from '../coordinator/coordinator.ts'
import { supports, type Variant } from '../learning/engine/compiled/machine.ts'
import { nodeProvider } from '../protocol/crypto/node/provider.ts'
import { longRun } from './long-run.ts'
import { maskSpeed } from './mask-speed.ts'
import { pageWeight } from './page-weight.ts'
import type { BenchOptions, BenchResult } from './result.ts'
import { caseOf, compiledStep, median, plainSteps, shapes } from './step.ts'
import { toldCoordinator } from './told-coordinator.ts'

export async function web({ quick, progress }: BenchOptions): Promise<BenchResult[]> {
  // Node 20 has relaxed SIMD behind a flag; a browser has it.
  if (!supports('relaxed')) setFlagsFromString('--experimental-wasm-relaxed-simd')
  const results: BenchResult[] = []
  const add = (result: BenchResult): void => {
    results.push(result)
    progress(`${result.name}: ${result.value.toPrecision(4)} ${result.unit}`)
  }
  for (const name of ['join/index.html', 'index.html'])
    add(alone(`page ${name}, gzipped`, (await pageWeight(`dist/web/${name}`)).total / 1000, 'kB'))
  // Loaded here alone: the other benches need no browser.
  const { launchChromium, openPage } = await import('./chromium.ts')
  const browser = await launchChromium()
  try {
    add(alone('participant page interactive', await interactive(browser, quick ? 2 : 7), 'ms'))
    add(alone('observer page, 500 rounds of 200 sites drawn', await drawn(browser, quick ? 2 : 7), 'ms'))
  } finally {
    await browser.close()
  }
  const { page, close } = await openPage('bench/pages/web.ts')
  const ask = async (call: string): Promise<number> => z.number().parse(await page.evaluate(call))
  try {
    const megabytes = quick ? 4 : 16
    const masks = await maskSpeed(nodeProvider, megabytes)
    add(beside('mask expansion, Chromium', await ask(`maskSpeed(${megabytes})`), { unit: 'MB/s', reference: masks }))
    // A page's clock tells 0.1 ms apart, and less is not promised.
    const time = { seconds: quick ? 0.05 : 0.4, group: 5 }
    for (const name of Object.keys(shapes))
      for (const variant of ['simd128', 'relaxed'] satisfies Variant[]) {
        const one = caseOf(name, 32, time)
        const reference = await compiledStep(one, variant, plainSteps(one))
        const value = await ask(`step(${JSON.stringify(name)}, ${JSON.stringify(variant)}, ${JSON.stringify(time)})`)
        add(beside(`training ${name} 32, ${variant}, Chromium`, value, { unit: 'ms/step', reference }))
      }
  } finally {
    await close()
  }
  return results
}

const alone = (name: string, value: number, unit: string): BenchResult => ({
  ...{ name, value, unit, reference: null, ratio: null },
})

/** The reference is Node's figure of the same run. */
const beside = (
  name: string,
  value: number,
  { unit, reference }: { readonly unit: string; readonly reference: number },
): BenchResult => ({ name, value, unit, reference, ratio: value / reference })

/** From the address to the first answer of the page's worker, each time with an empty cache; the median. */
async function interactive(browser: Browser, times: number): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'concordat-bench-'))
  const coordinator = await startCoordinator({
    ...{ folder, host: '127.0.0.1', port: 0, roster: undefined, databaseUrl: undefined, blobsUrl: undefined },
    ...{ patience: 60_000, assembly: 10_000 },
  })
  const measured: number[] = []
  try {
    for (let i = 0; i < times; i++) {
      const context = await browser.newContext()
      const page = await context.newPage()
      const began = performance.now()
      await page.goto(`http://127.0.0.1:${coordinator.port}/join/`)
      await page.getByText('An invitation is needed').waitFor()
      measured.push(performance.now() - began)
      await context.close()
    }
  } finally {
    await coordinator.close()
    await rm(folder, { recursive: true })
  }
  return median(measured)
}

/** From the address of a long run, with its token, to the last round of it on the screen; the median. */
async function drawn(browser: Browser, times: number): Promise<number> {
  const run = longRun(500, 200)
  const coordinator = await toldCoordinator({ role: 'observer', runs: [run] })
  const measured: number[] = []
  try {
    for (let i = 0; i < times; i++) {
      const context = await browser.newContext()
      // As a tab that comes back: the token is kept in it.
      await context.addInitScript(`sessionStorage.setItem('concordat.token', '${coordinator.token}')`)
      const page = await context.newPage()
      const began = performance.now()
      await page.goto(`${coordinator.url}/#${run.id}`)
      await page.getByRole('cell', { name: '499', exact: true }).waitFor()
      measured.push(performance.now() - began)
      await context.close()
    }
  } finally {
    await coordinator.close()
  }
  return median(measured)
}
