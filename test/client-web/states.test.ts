/** Every state of the participant's page: free of what axe finds, in both languages and themes, and never wider than its screen. */

import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { launchChromium } from '../../bench/chromium.ts'
import { violations } from '../support/browser-federation.ts'
import { drawnPage, servePages } from '../support/drawn-page.ts'
import { pageStates } from '../support/page-states.ts'

let browser: Browser
let server: Awaited<ReturnType<typeof servePages>>

beforeAll(async () => {
  ;[browser, server] = await Promise.all([launchChromium(), servePages()])
})
afterAll(async () => {
  await Promise.all([browser.close(), server.close()])
})

describe.each([
  { locale: 'en-GB', colorScheme: 'light' },
  { locale: 'zh-CN', colorScheme: 'dark' },
] as const)('in $locale, $colorScheme', ({ locale, colorScheme }) => {
  test('no state breaks a rule of WCAG or is wider than a phone, a tablet, a screen', {
    timeout: 120_000,
  }, async () => {
    const context = await browser.newContext({ locale, colorScheme, viewport: { width: 360, height: 640 } })
    const draw = await drawnPage(context, server.url)
    const found: Record<string, unknown> = {}
    for (const [name, state] of Object.entries(pageStates)) {
      const page = await draw(state)
      // What is folded away is looked at too.
      await page.evaluate('for (const part of document.querySelectorAll("details")) part.open = true')
      const broken = await violations(page)
      const wider: unknown[] = []
      for (const width of [360, 768, 1280]) {
        await page.setViewportSize({ width, height: 640 })
        wider.push(await page.evaluate('document.documentElement.scrollWidth - innerWidth'))
      }
      await page.setViewportSize({ width: 360, height: 640 })
      if (broken.length > 0 || wider.some((pixels) => pixels !== 0)) found[name] = { broken, wider }
    }
    expect(found).toEqual({})
    expect(Object.keys(pageStates).length).toBeGreaterThan(15)
    await context.close()
  })
})
