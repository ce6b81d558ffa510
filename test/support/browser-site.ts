/** Browser sites: profiles of one real Chromium, each enrolled, with its rules and file. */

import { readFile } from 'node:fs/promises'
import type { Browser, BrowserContext, Page, Request } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { launchChromium } from '../../bench/chromium.ts'
import { endProcesses, type Federation, violations } from './browser-federation.ts'

const contexts: BrowserContext[] = []
let browser: Browser

/** For a test file: one browser, whose profiles end with each test, as every process that it started. */
export function useBrowser(): void {
  beforeAll(async () => {
    browser = await launchChromium()
  })
  afterAll(() => browser.close())
  afterEach(async () => {
    await Promise.all(contexts.splice(0).map((context) => context.close()))
    await endProcesses()
  })
}

/** A browser profile of its own: one site. */
export async function newSite({ locale = 'en-GB', script = '' } = {}) {
  const context = await browser.newContext({ locale })
  // A machine that is busy with other tests is slow; what never comes ends the test all the same.
  context.setDefaultTimeout(100_000)
  await context.addInitScript(script)
  contexts.push(context)
  const sent: Request[] = []
  context.on('request', (request) => sent.push(request))
  return { browser, context, sent, page: await context.newPage() }
}

/** @param options a script before the page's own, or another address of the coordinator */
export async function enrolBrowser(
  federation: Federation,
  name: string,
  { script = '', at }: { readonly script?: string; readonly at?: string } = {},
) {
  const site = await newSite({ script })
  const faults: string[] = []
  site.page.on('pageerror', (error) => faults.push(String(error)))
  await site.page.goto(await federation.invite(name, at))
  // The invitation is taken out of the address, so that it does not stay in the history.
  await site.page.waitForURL(({ hash }) => hash === '')
  expect(await violations(site.page)).toEqual([])
  await site.page.getByRole('button', { name: 'Make a key and apply' }).click()
  const words = await site.page.getByTestId('words').innerText()
  expect(await violations(site.page)).toEqual([])
  await federation.approve(name, words)
  await site.page.getByRole('heading', { name: 'Your rules' }).waitFor()
  return { ...site, faults }
}

export async function confirmRules(page: Page): Promise<void> {
  await page.getByLabel('Allow studies under which nothing bounds').check()
  await page.getByRole('button', { name: 'Confirm these rules' }).click()
}

export async function ready(page: Page, file: string, remember: boolean): Promise<void> {
  await confirmRules(page)
  if (remember) await page.getByLabel('Keep the file in this browser').check()
  await page.getByTestId('file').setInputFiles(file)
}

/** What a button saves. */
export async function saved(page: Page, button: string | RegExp): Promise<string> {
  const download = page.waitForEvent('download')
  await page.getByRole('button', { name: button }).click()
  return readFile(await (await download).path(), 'utf8')
}
