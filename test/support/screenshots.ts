/**
 * Screenshots of the participant's page in every state, both themes, three widths, both languages, to be looked at:
 * `node dist/test/support/screenshots.js FOLDER [STATE …]` after a build. A contact sheet a theme and width lies beside them.
 */

import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { launchChromium } from '../../bench/chromium.ts'
import { drawnPage, servePages } from './drawn-page.ts'
import { pageStates } from './page-states.ts'

const [folder, ...wanted] = process.argv.slice(2)
if (folder === undefined) throw new Error('expected a folder for the images')
const names = Object.keys(pageStates).filter((name) => wanted.length === 0 || wanted.includes(name))

const looks = [360, 768, 1280].flatMap((width) =>
  (['light', 'dark'] as const).flatMap((colorScheme) =>
    ['en-GB', 'zh-CN'].map((locale) => ({ width, colorScheme, locale })),
  ),
)

async function draw(browser: Browser, url: string, { width, colorScheme, locale }: (typeof looks)[number]) {
  const look = `${locale.slice(0, 2)}-${colorScheme}-${width}`
  const context = await browser.newContext({ viewport: { width, height: 640 }, colorScheme, locale })
  const open = await drawnPage(context, url)
  const files: string[] = []
  for (const name of names) {
    const page = await open(pageStates[name])
    const path = join(folder, `${look}-${name}.png`)
    await page.screenshot({ path, fullPage: true })
    files.push(path)
  }
  await sheet(browser, join(folder, `sheet-${look}.png`), files)
  await context.close()
}

/** All images side by side, scaled to be seen at once. */
async function sheet(browser: Browser, path: string, files: readonly string[]): Promise<void> {
  const images = await Promise.all(files.map((file) => readFile(file, 'base64')))
  const page = await browser.newPage({ viewport: { width: 1800, height: 900 } })
  const figures = images.map(
    (image) => `<img src="data:image/png;base64,${image}" style="width:345px;vertical-align:top;margin:5px">`,
  )
  await page.setContent(`<body style="margin:0;background:#888">${figures.join('')}</body>`)
  await page.screenshot({ path, fullPage: true })
  await page.close()
}

await mkdir(folder, { recursive: true })
const [server, browser] = await Promise.all([servePages(), launchChromium()])
try {
  for (const look of looks) await draw(browser, server.url, look)
} finally {
  await Promise.all([browser.close(), server.close()])
}
await writeFile(join(folder, 'states.txt'), `${names.join('\n')}\n`)
