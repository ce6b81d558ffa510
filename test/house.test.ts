import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { release } from '../protocol/release.ts'

const folders = ['protocol', 'learning', 'coordinator', 'client-node', 'client-web', 'simulations', 'bench']
const present = folders.filter((folder) => existsSync(folder))
const inFolders = await Promise.all(
  present.map(async (folder) => (await readdir(folder, { recursive: true })).map((path) => `${folder}/${path}`)),
)
const sources = inFolders.flat().filter((path) => /\.(ts|mjs)$/.test(path) && !path.includes('node_modules'))

/** Files with a line that `pattern` matches, as `path:line`. */
async function findings(pattern: RegExp, paths: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(
    paths.map(async (path) =>
      (await readFile(path, 'utf8')).split('\n').flatMap((line, i) => (pattern.test(line) ? [`${path}:${i + 1}`] : [])),
    ),
  )
  return found.flat()
}

test('no source draws from Math.random: secrets come from the machine, choices from the seed', async () => {
  expect(sources.length).toBeGreaterThan(100)
  expect(await findings(/Math\.random/, sources)).toEqual([])
})

test('the floors that know no machine read no clock', async () => {
  const ground = sources.filter(
    (path) => /^(protocol|learning)\//.test(path) && !/^protocol\/crypto\/|\.mjs$/.test(path),
  )
  expect(ground.length).toBeGreaterThan(50)
  expect(await findings(/\bDate\.now|new Date\b|performance\.now/, ground)).toEqual([])
})

test('shells never import each other', async () => {
  const shells = ['coordinator', 'client-node', 'client-web']
  for (const shell of shells) {
    const others = shells.filter((other) => other !== shell).join('|')
    const own = sources.filter((path) => path.startsWith(`${shell}/`))
    expect(await findings(new RegExp(`from '(\\.\\./)+(${others}|simulations)/`), own)).toEqual([])
  }
})

test('every error code of the sources stands in docs/errors.md, and no other', async () => {
  const pattern = /\bERR_[A-Z0-9]+(?:_[A-Z0-9]+)*\b/g
  const texts = await Promise.all([...sources, 'concordat.ts'].map((path) => readFile(path, 'utf8')))
  const thrown = new Set(
    texts.flatMap((text) => [...text.matchAll(/'(ERR_[A-Z0-9_]*[A-Z0-9])'/g)].map(([, code]) => code)),
  )
  const documented = new Set((await readFile('docs/errors.md', 'utf8')).match(pattern))
  expect([...thrown].filter((code) => !documented.has(code)).sort()).toEqual([])
  expect([...documented].filter((code) => !thrown.has(code)).sort()).toEqual([])
})

test("the release that parties tell each other is the package's", async () => {
  const manifest: unknown = JSON.parse(await readFile('package.json', 'utf8'))
  expect(manifest).toMatchObject({ version: release })
})
