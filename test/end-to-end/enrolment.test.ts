/** Enrolment with real processes: links, preflight, words, a roster that grows, a key that changes, a site that goes. */

import { mkdtemp, readFile, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { stringify } from 'yaml'
import * as z from 'zod'
import { datasets } from '../../simulations/datasets/index.ts'
import { Command, demoPolicy, type Line } from '../../simulations/demo/processes.ts'
import { ofType } from '../support/hospitals.ts'

const entry = 'dist/concordat.js'
const running: Command[] = []

afterEach(async () => {
  await Promise.all(running.splice(0).map((command) => command.kill('SIGTERM')))
})

const start = (...arguments_: readonly string[]): Command => {
  const command = new Command(entry, arguments_)
  running.push(command)
  return command
}

const text = (value: unknown): string => z.string().parse(value)

/** A command that ends by itself: its last line, or its refusal. */
async function outcome(...arguments_: readonly string[]) {
  const command = start(...arguments_)
  const { code, stderr } = await command.exited
  return { code, stderr, last: command.lines.at(-1) ?? {} }
}

async function coordinator() {
  const folder = await mkdtemp(join(tmpdir(), 'concordat-'))
  const command = start('coordinator', '--dir', join(folder, 'coordinator'), '--port', '0', '--assembly', '600')
  const { url } = await command.until(ofType('listening'))
  const operator = ['--coordinator', text(url), '--token-file', join(folder, 'coordinator', 'operator.token')]
  const home = (name: string): string => join(folder, name)
  const files = datasets['four-hospitals'].generate({ seed: 1 })
  return {
    folder,
    operator,
    home,
    config: (name: string) => join(home(name), 'site.yaml'),
    invite: async (name: string) => text((await outcome('invite', name, ...operator)).last.link),
    join: async (name: string, link: string) => {
      const data = join(folder, `${name}.csv`)
      await writeFile(data, files.find(({ site }) => site === name)?.csv ?? '')
      return start('join', link, '--folder', home(name), '--data', data)
    },
    approve: (name: string, words: string) => outcome('approve', name, '--words', words, ...operator),
    sites: async () => (await outcome('sites', ...operator)).last,
  }
}

type Federation = Awaited<ReturnType<typeof coordinator>>

async function enrol(federation: Federation, name: string): Promise<void> {
  const joining = await federation.join(name, await federation.invite(name))
  const { words } = await joining.until(ofType('applied'))
  expect((await federation.approve(name, text(words))).code).toBe(0)
  expect((await joining.exited).code).toBe(0)
}

const rosterWordsOf = (overview: Line): string =>
  z.object({ roster: z.object({ words: z.string() }) }).parse(overview).roster.words

test('three sites enrol by link and words, compare the roster, and train; one changes its key, and is revoked', async () => {
  const federation = await coordinator()
  const names = ['university', 'county', 'veterans']
  for (const name of names) await enrol(federation, name)
  expect((await stat(join(federation.home('county'), 'identity.key'))).mode & 0o777).toBe(0o600)

  const words = rosterWordsOf(await federation.sites())
  const wrong = await outcome(
    'roster',
    '--config',
    federation.config('county'),
    '--accept',
    'six words of some other roster',
  )
  expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('ERR_WORDS')])
  const last = await outcome('roster', '--config', federation.config('veterans'))
  expect(last.last).toMatchObject({ words })
  const policy = stringify({ concordat: 1, confirmed: true, ...demoPolicy })
  for (const name of names) await writeFile(join(federation.home(name), 'policy.yaml'), policy)
  const agents = names.map((name) => start('site', '--config', federation.config(name)))
  const plan = join(federation.folder, 'plan.yaml')
  await writeFile(plan, (await readFile('examples/hospitals.yaml', 'utf8')).replace(/^rounds: .*$/m, 'rounds: 2'))
  const run = start('run', plan, ...federation.operator, '--out', join(federation.folder, 'out'))
  // Agents that hold an older roster are told of the new one, and go on by themselves once it is accepted.
  for (const [i, name] of names.slice(0, -1).entries()) {
    expect(await agents[i].until(ofType('roster'))).toMatchObject({ version: 3, words, change: { removed: [] } })
    const accepted = await outcome('roster', '--config', federation.config(name), '--accept', words)
    expect([accepted.code, accepted.last.words]).toEqual([0, words])
  }
  expect(await run.until(ofType('finished'))).toMatchObject({ rounds: expect.any(Number) })
  await Promise.all(agents.map((agent) => agent.until(ofType('finished'))))
  await Promise.all(agents.map((agent) => agent.kill('SIGTERM')))

  const before = await readFile(join(federation.home('county'), 'identity.key'), 'utf8')
  const rotating = start('rotate', '--config', federation.config('county'))
  const { words: newWords } = await rotating.until(ofType('rotating'))
  expect((await federation.approve('county', text(newWords))).code).toBe(0)
  expect((await rotating.exited).code).toBe(0)
  expect(await readFile(join(federation.home('county'), 'identity.key'), 'utf8')).not.toBe(before)

  const revoked = await outcome('revoke', 'veterans', '--reason', 'the contract ended', ...federation.operator)
  expect(revoked.last).toMatchObject({ roster: { version: 5, sites: [{}, {}] } })
  const turned = start('site', '--config', federation.config('veterans'), '--once')
  expect((await turned.exited).stderr).toContain('ERR_UNKNOWN_SITE')
})

test('a run goes on at a site under the roster it began with, once the roster has grown and its agent was started again', async () => {
  const federation = await coordinator()
  const names = ['university', 'county', 'veterans']
  for (const name of names) await enrol(federation, name)
  const accept = async (...sites: readonly string[]): Promise<void> => {
    const words = rosterWordsOf(await federation.sites())
    for (const name of sites)
      expect((await outcome('roster', '--config', federation.config(name), '--accept', words)).code).toBe(0)
  }
  await accept('university', 'county')
  const policy = stringify({ concordat: 1, confirmed: true, ...demoPolicy })
  for (const name of names) await writeFile(join(federation.home(name), 'policy.yaml'), policy)
  const [, county] = names.map((name) => start('site', '--config', federation.config(name)))
  const plan = join(federation.folder, 'plan.yaml')
  await writeFile(plan, (await readFile('examples/hospitals.yaml', 'utf8')).replace(/^rounds: .*$/m, 'rounds: 5000'))
  const run = start('run', plan, ...federation.operator, '--out', join(federation.folder, 'out'))
  await run.until(ofType('round'))
  await enrol(federation, 'heart-centre')
  await accept('county')
  await county.kill('SIGKILL')
  const again = start('site', '--config', federation.config('county'))
  await again.until(ofType('contributed'))
  expect(again.lines.filter(ofType('declined'))).toEqual([])
}, 120_000)

test('a link works once, for its name, and only the words of the key that waits let it in', async () => {
  const federation = await coordinator()
  const link = await federation.invite('county')
  const joining = await federation.join('county', link)
  const { words } = await joining.until(ofType('applied'))
  const thief = start('join', link, '--folder', join(federation.folder, 'thief'))
  const stolen = await thief.exited
  expect([stolen.code, stolen.stderr]).toEqual([3, expect.stringContaining('ERR_INVITE')])
  const guessed = await federation.approve('county', 'one two three four five six')
  expect([guessed.code, guessed.stderr]).toEqual([2, expect.stringContaining('ERR_WORDS')])
  expect((await outcome('refuse', 'county', '--reason', 'not in the contract', ...federation.operator)).code).toBe(0)
  const refused = await joining.exited
  expect([refused.code, refused.stderr]).toEqual([3, expect.stringContaining('not in the contract')])
  expect(text(words).split(' ')).toHaveLength(6)
})

test('preflight finds a coordinator that holds another key, and nothing is sent to it', async () => {
  const first = await coordinator()
  const second = await coordinator()
  const link = await first.invite('county')
  const mixed = link.replace(/^https?:\/\/[^/]+/, second.operator[1])
  const joining = await first.join('county', mixed)
  expect((await joining.exited).code).toBe(2)
  expect(joining.lines).toContainEqual(expect.objectContaining({ check: 'key', verdict: 'failed' }))
  expect(joining.lines).toContainEqual(expect.objectContaining({ check: 'reach', verdict: 'ok' }))
  expect(await second.sites()).toMatchObject({ waiting: [] })
})

test('a token does what its role may, until it is revoked; no token is kept but by its hash', async () => {
  const federation = await coordinator()
  const made = await outcome('token', 'dr-grey', '--role', 'observer', ...federation.operator)
  const file = join(federation.folder, 'observer.token')
  await writeFile(file, text(made.last.token))
  const observer = ['--coordinator', federation.operator[1], '--token-file', file]
  const invited = await outcome('invite', 'county', ...observer)
  expect([invited.code, invited.stderr]).toEqual([3, expect.stringContaining('ERR_ROLE')])
  const plan = await outcome('run', 'examples/hospitals.yaml', ...observer)
  expect([plan.code, plan.stderr]).toEqual([3, expect.stringContaining('ERR_ROLE')])
  const url = new URL('/api/runs', federation.operator[1])
  const authorization = `Bearer ${text(made.last.token)}`
  expect((await fetch(url, { headers: { authorization } })).status).toBe(200)
  const { tokens } = z
    .object({ tokens: z.array(z.object({ id: z.string(), holder: z.string() })) })
    .parse((await outcome('tokens', ...federation.operator)).last)
  const id = tokens.find(({ holder }) => holder === 'dr-grey')?.id ?? ''
  expect((await outcome('tokens', '--revoke', id, ...federation.operator)).code).toBe(0)
  expect((await fetch(url, { headers: { authorization } })).status).toBe(401)
  const store = await readFile(join(federation.folder, 'coordinator', 'coordinator.db'))
  expect(store.includes(text(made.last.token))).toBe(false)
})
