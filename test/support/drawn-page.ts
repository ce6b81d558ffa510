/** The participant's page in a real Chromium, its worker replaced by one that says what it is told to: any state can be drawn. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BrowserContext, Page } from 'playwright-core'
import type { PageState } from '../../client-web/worker/page-state.ts'
import { startCoordinator } from '../../coordinator/coordinator.ts'

/** Serves the built pages under their own policy. */
export async function servePages(): Promise<{ readonly url: string; readonly close: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'concordat-pages-'))
  const coordinator = await startCoordinator({
    ...{ folder, host: '127.0.0.1', port: 0, roster: undefined, databaseUrl: undefined, blobsUrl: undefined },
    ...{ patience: 60_000, assembly: 10_000 },
  })
  const close = async (): Promise<void> => {
    await coordinator.close()
    await rm(folder, { recursive: true })
  }
  return { url: `http://127.0.0.1:${coordinator.port}`, close }
}

/** @returns a function that opens the page anew and has it draw a state. */
export async function drawnPage(context: BrowserContext, url: string): Promise<(state: PageState) => Promise<Page>> {
  const page = await context.newPage()
  await page.addInitScript(`{
    let begin
    const begun = new Promise((resolve) => { begin = resolve })
    globalThis.Worker = class extends EventTarget {
      addEventListener(...listener) {
        super.addEventListener(...listener)
        begin(this)
      }
      postMessage() {}
    }
    const kept = (_, value) => (value?.blob === true ? new Blob(['kept']) : value)
    globalThis.draw = async (state) =>
      (await begun).dispatchEvent(new MessageEvent('message', { data: JSON.parse(state, kept) }))
  }`)
  return async (state) => {
    const text = JSON.stringify(state, (_, value: unknown) => (value instanceof Blob ? { blob: true } : value))
    await page.goto(`${url}/join/`)
    await page.evaluate(`draw(${JSON.stringify(text)})`)
    return page
  }
}
