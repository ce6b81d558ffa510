/** The files of deploy/ start commands that exist, with options those commands have. */

import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import * as z from 'zod'

const run = promisify(execFile)

async function optionsOf(command: string): Promise<readonly string[]> {
  const { stdout } = await run(process.execPath, ['dist/concordat.js', command, '--help'])
  return [...stdout.matchAll(/--[a-z][a-z-]*/g)].map(([option]) => option)
}

async function checkCommand(words: readonly string[]): Promise<void> {
  const [command, ...rest] = words
  const known = await optionsOf(command)
  const used = rest.filter((word) => word.startsWith('--'))
  expect(used.length).toBeGreaterThan(0)
  expect(used.filter((option) => !known.includes(option))).toEqual([])
}

describe.each(['concordat-coordinator', 'concordat-site'])('the unit %s', (unit) => {
  test('starts a command with options it has, restarts it, and keeps it from everything else', async () => {
    const text = await readFile(`deploy/${unit}.service`, 'utf8')
    const [, started] = /^ExecStart=.*\/concordat\.js (.*)$/m.exec(text) ?? []
    await checkCommand((started ?? '').split(' '))
    for (const line of ['Restart=always', 'NoNewPrivileges=yes', 'ProtectSystem=strict', 'StateDirectoryMode=0700'])
      expect(text.split('\n')).toContain(line)
  })
})

test('the image starts a coordinator as an ordinary user, and is asked whether it is ready', async () => {
  const text = await readFile('deploy/Dockerfile', 'utf8')
  const [, command] = /^CMD (\[.*\])$/m.exec(text) ?? []
  await checkCommand(z.array(z.string()).parse(JSON.parse(command ?? '[]')))
  expect(text.indexOf('USER node')).toBeLessThan(text.indexOf('ENTRYPOINT'))
  expect(text).toContain('/ready')
})

test('the compose file gives the coordinator its database, and no password of its own', async () => {
  const { services } = z
    .object({
      services: z.object({
        coordinator: z.object({ environment: z.record(z.string(), z.string()), depends_on: z.looseObject({}) }),
        database: z.object({ environment: z.record(z.string(), z.string()) }),
      }),
    })
    .parse(parse(await readFile('deploy/compose.yaml', 'utf8')))
  expect(services.coordinator.environment.DATABASE_URL).toMatch(
    /^postgres:\/\/concordat:\$\{POSTGRES_PASSWORD:\?.*@database\/concordat$/,
  )
  expect(services.database.environment.POSTGRES_PASSWORD).toMatch(/^\$\{POSTGRES_PASSWORD:\?/)
  expect(Object.keys(services.coordinator.depends_on)).toContain('database')
})
