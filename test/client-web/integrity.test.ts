/** The pages' own code: one hash for a build, and an adversary on the way who alters a script, each in a real Chromium. */

import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { build } from 'vite'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { launchChromium } from '../../bench/chromium.ts'
import { openPages } from '../../coordinator/pages.ts'
import { parsePages } from '../../protocol/pages.ts'
import { alteringProxy, mark } from '../support/altering-proxy.ts'
import { endProcesses, type Federation, federation } from '../support/browser-federation.ts'

const cleanups: (() => Promise<unknown>)[] = []
let browser: Browser

beforeAll(async () => {
  browser = await launchChromium()
})
afterAll(() => browser.close())
afterEach(async () => {
  for (const clean of cleanups.splice(0)) await clean()
  await endProcesses()
})

const names = await readdir('dist/web/assets')
const script = (prefix: string): string => {
  const found = names.find((name) => name.startsWith(`${prefix}-`) && name.endsWith('.js'))
  if (found === undefined) throw new Error(`expected a built ${prefix}`)
  return found
}

async function adversary(url: string, altered: readonly string[]): Promise<string> {
  const proxy = await alteringProxy(url, altered)
  cleanups.push(proxy.close)
  return proxy.url
}

async function newPage(locale = 'en-GB') {
  const context = await browser.newContext({ locale })
  cleanups.push(() => context.close())
  return context.newPage()
}

const stolen = (page: Page) => page.evaluate(`'${mark}' in globalThis`)

test('the hash of the build is the one of the files that are served, shown in both pages; another file is another hash', async () => {
  const federated: Federation = await federation(1)
  const listed = parsePages(await (await fetch(`${federated.url}/build.json`)).json())
  if (listed === undefined) throw new Error('expected a build')
  const { hash } = await openPages()
  expect(listed.hash).toBe(hash)
  for (const [path, sum] of Object.entries(listed.files)) {
    const bytes = new Uint8Array(await (await fetch(`${federated.url}/${path}`)).arrayBuffer())
    const digest = await crypto.subtle.digest('SHA-256', bytes)
    expect(Buffer.from(digest).toString('hex'), path).toBe(sum)
  }
  const emitted = (await readdir('dist/web', { recursive: true, withFileTypes: true })).filter((entry) =>
    entry.isFile(),
  )
  expect(emitted.length).toBe(Object.keys(listed.files).length + 1)
  for (const path of ['/', '/join/']) {
    const page = await newPage()
    await page.goto(`${federated.url}${path}`)
    await page.getByTestId('build').getByText(hash).waitFor()
    expect(await page.getByRole('alert').count()).toBe(0)
  }

  const folder = await mkdtemp(join(tmpdir(), 'concordat-pages-'))
  cleanups.push(() => rm(folder, { recursive: true }))
  await cp('dist/web', folder, { recursive: true })
  await openPages(folder)
  const file = join(folder, 'assets', script('worker'))
  await writeFile(file, `${await readFile(file, 'utf8')} `)
  await expect(openPages(folder)).rejects.toMatchObject({ code: 'ERR_PAGES' })
})

test('the same source builds to the same hash', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'concordat-pages-'))
  cleanups.push(() => rm(folder, { recursive: true }))
  await build({ configFile: 'client-web/vite.config.ts', build: { outDir: folder, emptyOutDir: true } })
  expect((await openPages(folder)).hash).toBe((await openPages()).hash)
})

test('an altered worker is not run: the page says what happened and what to do', async () => {
  const federated = await federation(1)
  const page = await newPage()
  await page.goto(`${await adversary(federated.url, [script('worker')])}/join/`)
  await page.getByRole('alert').getByText('ERR_INTEGRITY').waitFor()
  await page.getByText('was changed on its way here, and was not run. Reload the page').waitFor()
  expect(await stolen(page)).toBe(false)
})

test('what a worker imports late is the script of the build, or is not run', async () => {
  const federated = await federation(1)
  for (const { url, outcome } of [
    { url: federated.url, outcome: 'loaded' },
    {
      url: await adversary(
        federated.url,
        names.filter((name) => name.startsWith('trainer-')),
      ),
      outcome: 'ERR_INTEGRITY',
    },
  ]) {
    const page = await newPage()
    await page.goto(`${url}/join/`)
    await page.getByText('An invitation is needed').waitFor()
    const [worker] = page.workers()
    const late = `concordatImport('${script('trainer')}').then(() => 'loaded', ({ code }) => code)`
    expect(await worker.evaluate(late)).toBe(outcome)
    expect(await worker.evaluate(`'${mark}' in globalThis`)).toBe(false)
    expect(await worker.evaluate("concordatImport('other.js').catch(({ code }) => code)")).toBe('ERR_INTEGRITY')
  }
})

test('an altered script of a page is not run: the page says so without it', async () => {
  const federated = await federation(1)
  for (const [path, name] of [
    ['/', script('observe')],
    ['/join/', script('verified')],
  ]) {
    const page = await newPage()
    await page.goto(`${await adversary(federated.url, [name])}${path}`)
    await page.getByText("This page's code did not load, or was changed on its way here and was not run.").waitFor()
    expect(await stolen(page)).toBe(false)
  }
})

test('a page that was altered as a whole, its list of files not, says that it is of no such build', async () => {
  const federated = await federation(1)
  const page = await newPage()
  await page.goto(`${await adversary(federated.url, ['/join/'])}/join/`)
  await page.getByRole('alert').getByText('this page is not of the build that is served now').waitFor()
})
