/**
 * A page in a real Chromium, served by a tiny local server: `const { page, close } = await openPage('bench/pages/x.ts')`.
 * The entry is a TypeScript module, bundled with everything it imports; it hangs what the test calls on `globalThis`.
 */

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { extname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { type Browser, chromium, type Page } from 'playwright-core'
import { build } from 'vite'
import * as z from 'zod'

/** Runs as root and in containers: no sandbox of its own, nothing in a small /dev/shm. */
const flags = ['--no-sandbox', '--no-zygote', '--disable-dev-shm-usage', '--disable-gpu']

export interface OpenPage {
  readonly page: Page
  readonly url: string
  /** What the page threw or logged as an error so far. */
  readonly errors: readonly string[]
  readonly close: () => Promise<void>
}

/** Bundles `entry`, serves it, and opens it. The module has run when this returns. */
export async function openPage(entry: string): Promise<OpenPage> {
  const [files, browser] = await Promise.all([bundle(entry), launchChromium()])
  const server = await serve(new Map([...files, ['/', shellOf([...files.keys()])]]))
  const page = await browser.newPage()
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(String(error)))
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text())
  })
  const close = async (): Promise<void> => {
    await browser.close()
    server.close()
    server.closeAllConnections()
  }
  await page.goto(server.url)
  if (errors.length > 0) {
    await close()
    throw new Error(`the page of ${entry} failed: ${errors.join('; ')}`)
  }
  return { page, url: server.url, errors, close }
}

export async function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: await chromiumPath(), args: flags, headless: true })
}

/** The browser of the npm package, unpacked once on this machine; whoever comes second finds it whole or not at all. */
async function chromiumPath(): Promise<string> {
  const manifest: unknown = JSON.parse(await readFile('node_modules/@sparticuz/chromium/package.json', 'utf8'))
  const { version } = z.object({ version: z.string() }).parse(manifest)
  const home = join(tmpdir(), `concordat-chromium-${version}`)
  const path = join(home, 'chromium')
  if (existsSync(path)) return path
  const making = await mkdtemp(`${home}-`)
  const unpack = "import('@sparticuz/chromium').then(({ default: { executablePath } }) => executablePath())"
  const env = { ...process.env, TMPDIR: making }
  await promisify(execFile)(process.execPath, ['-e', unpack], { env })
  await rename(making, home).catch(() => rm(making, { recursive: true }))
  return path
}

/** The modules of a page by their path on the server. */
async function bundle(entry: string): Promise<Map<string, string>> {
  const built = await build({
    configFile: false,
    logLevel: 'silent',
    // As the pages are built (client-web/vite.config.ts).
    resolve: { alias: { pngjs: 'pngjs/browser' } },
    build: {
      write: false,
      minify: false,
      modulePreload: false,
      target: 'esnext',
      rolldownOptions: { input: resolve(entry), output: { entryFileNames: 'entry.js' } },
    },
  })
  const outputs = (Array.isArray(built) ? built : [built]).flatMap((part) => ('output' in part ? part.output : []))
  return new Map(
    outputs.map((file): [string, string] => [
      `/${file.fileName}`,
      file.type === 'chunk' ? file.code : Buffer.from(file.source).toString('utf8'),
    ]),
  )
}

const shellOf = (paths: readonly string[]): string =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>test</title>${paths
    .filter((path) => path === '/entry.js')
    .map((path) => `<script type="module" src="${path}"></script>`)
    .join('')}</html>`

const types: Readonly<Record<string, string>> = { '.js': 'text/javascript', '': 'text/html', '.css': 'text/css' }

async function serve(files: ReadonlyMap<string, string>): Promise<Server & { readonly url: string }> {
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname
    const body = files.get(path)
    if (body === undefined) response.writeHead(path === '/favicon.ico' ? 204 : 404).end()
    else response.writeHead(200, { 'content-type': types[extname(path)] ?? 'application/octet-stream' }).end(body)
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a server without a port')
  return Object.assign(server, { url: `http://127.0.0.1:${address.port}/` })
}
