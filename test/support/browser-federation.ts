/** A coordinator and its sites as real processes, for the pages that a browser opens on them. */

import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import { stringify } from 'yaml'
import * as z from 'zod'
import { caller } from '../../coordinator/api-client.ts'
import { routes } from '../../coordinator/api-routes.ts'
import { datasets } from '../../simulations/datasets/index.ts'
import { Command, demoPolicy, type Line } from '../../simulations/demo/processes.ts'
import { ofType } from './hospitals.ts'

const entry = 'dist/concordat.js'
const running: Command[] = []

/** Ends every process that was started here. */
export const endProcesses = async (): Promise<void> => {
  await Promise.all(running.splice(0).map((command) => command.kill('SIGTERM')))
}

const start = (...arguments_: readonly string[]): Command => {
  const command = new Command(entry, arguments_)
  running.push(command)
  return command
}
export const text = (value: unknown): string => z.string().parse(value)

/** @param waiting how long the coordinator waits for sites: by default not for long. */
export async function federation(rounds: number, waiting: readonly string[] = ['--patience', '5']) {
  const folder = await mkdtemp(join(tmpdir(), 'concordat-'))
  const listen = async (port: string) => {
    const coordinator = start(
      ...['coordinator', '--dir', join(folder, 'coordinator'), '--port', port],
      ...['--assembly', '600', ...waiting],
    )
    return { coordinator, url: text((await coordinator.until(ofType('listening'))).url) }
  }
  const { coordinator, url } = await listen('0')
  const operator = ['--coordinator', url, '--token-file', join(folder, 'coordinator', 'operator.token')]
  const files = new Map<string, string>()
  for (const { site, csv } of datasets['four-hospitals'].generate({ seed: 1 })) {
    files.set(site, join(folder, `${site}.csv`))
    await writeFile(join(folder, `${site}.csv`), csv)
  }
  const ended = async (...arguments_: readonly string[]): Promise<Line> => {
    const command = start(...arguments_)
    const { code, stderr } = await command.exited
    expect([code, stderr]).toEqual([0, ''])
    return command.lines.at(-1) ?? {}
  }
  const plan = join(folder, 'plan.yaml')
  await writeFile(
    plan,
    (await readFile('examples/hospitals.yaml', 'utf8')).replace(/^rounds: .*$/m, `rounds: ${rounds}`),
  )
  const operatorToken = async (): Promise<string> =>
    (await readFile(join(folder, 'coordinator', 'operator.token'), 'utf8')).trim()
  /** The one run, by the coordinator's API. */
  const ofRun = async (path: string, init?: RequestInit): Promise<Response> => {
    const call = caller(url, await operatorToken())
    const [run] = routes.listRuns.answer.schema.parse(await (await call('runs')).json())
    return call(`runs/${run.id}${path}`, init)
  }
  return {
    folder,
    url,
    plan,
    wish: (wish: 'pause' | 'resume' | 'stop') => ofRun(`/${wish}`, { method: 'POST' }),
    journal: async () => (await ofRun('/journal')).text(),
    /** Stops the coordinator, and starts another in its place. */
    stop: () => coordinator.kill('SIGTERM'),
    again: () => listen(new URL(url).port),
    operatorToken,
    token: async (holder: string, role: string) =>
      text((await ended('token', holder, '--role', role, ...operator)).token),
    file: (name: string) => text(files.get(name)),
    /** @param at the coordinator's address for this site, where it is another. */
    invite: async (name: string, at = url) => text((await ended('invite', name, ...operator, '--url', at)).link),
    /** Gives a site other records than the hospital's. */
    give: (name: string, path: string) => files.set(name, path),
    approve: (name: string, words: string) => ended('approve', name, '--words', words, ...operator),
    rosterWords: async () =>
      z.object({ roster: z.object({ words: z.string() }) }).parse(await ended('sites', ...operator)).roster.words,
    accept: (name: string, words: string) =>
      ended('roster', '--config', join(folder, name, 'site.yaml'), '--accept', words),
    join: (name: string, link: string) =>
      start('join', link, '--folder', join(folder, name), '--data', text(files.get(name))),
    site: (name: string) => start('site', '--config', join(folder, name, 'site.yaml')),
    run: () => start('run', plan, ...operator, '--out', join(folder, 'out')),
  }
}

export type Federation = Awaited<ReturnType<typeof federation>>

/** Invites a site, lets the operator approve it, and confirms its policy. */
export async function enrolNode(
  federation: Federation,
  name: string,
  approve: (name: string, words: string) => Promise<unknown> = federation.approve,
): Promise<void> {
  const joining = federation.join(name, await federation.invite(name))
  await approve(name, text((await joining.until(ofType('applied'))).words))
  expect((await joining.exited).code).toBe(0)
  const policy = stringify({ concordat: 1, confirmed: true, ...demoPolicy })
  await writeFile(join(federation.folder, name, 'policy.yaml'), policy)
}

/** Rules of WCAG that the page breaks as it stands, found by axe. */
export async function violations(page: Page): Promise<readonly string[]> {
  // By the browser itself: the page's own policy lets no script of others in.
  const session = await page.context().newCDPSession(page)
  await session.send('Runtime.evaluate', { expression: await readFile('node_modules/axe-core/axe.min.js', 'utf8') })
  const { result } = await session.send('Runtime.evaluate', {
    expression: "axe.run().then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes[0].html))",
    awaitPromise: true,
    returnByValue: true,
  })
  return z.array(z.string()).parse(result.value)
}
