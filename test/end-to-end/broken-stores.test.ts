/** Stores that are read-only, damaged or lost: the coordinator stops with what to do, and nothing is half done. */

import { execFileSync } from 'node:child_process'
import { chmod, cp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Command } from '../../simulations/demo/processes.ts'
import { Ends, entry, type Hospitals, hospitals, ofType, startHospitals, undisturbed } from '../support/hospitals.ts'

/** Root is refused nothing by the rights of a file: then the coordinator runs as nobody. */
const user = process.getuid?.() === 0 ? 65_534 : undefined

const ends = new Ends()
afterAll(() => ends.all())

let federation: Hospitals
let first: { readonly id: string; readonly plan: string; readonly run: Command }
let second: typeof first
/** The coordinator's folder, as kill -9 left it in the middle of two runs. */
let home = ''

beforeAll(async () => {
  federation = await startHospitals(ends)
  home = join(federation.folder, 'coordinator')
  // Whoever the coordinator runs as later must come through.
  await chmod(federation.folder, 0o755)
  const { processes } = federation
  const agents = hospitals.map((name) => processes.site(name))
  const begun = async (name: string, learningRate: number) => {
    const plan = await federation.plan(name, { rounds: 12, algorithm: { learningRate } })
    const id = await federation.submit(plan)
    return { id, plan, run: federation.watch(id) }
  }
  first = await begun('first', 0.05)
  second = await begun('second', 0.06)
  await Promise.all([first, second].map(({ run }) => run.until((line) => line.type === 'round' && line.round === 3)))
  await Promise.all([processes.coordinator, ...agents].map((each) => each.kill('SIGKILL')))
  const database = new Sqlite(join(home, 'coordinator.db'))
  database.pragma('wal_checkpoint(TRUNCATE)')
  database.close()
})

const give = (folder: string): void => {
  if (user !== undefined) execFileSync('chown', ['-R', `${user}:${user}`, folder])
}

/** What the database says of all runs, and of the first one what happened: the other may have been taken up meanwhile. */
const rowsOf = (folder: string): unknown => {
  const database = new Sqlite(join(folder, 'coordinator.db'), { readonly: true })
  const own = ['entries', 'checkpoints'].map((table) => `SELECT * FROM ${table} WHERE run = '${first.id}'`)
  try {
    return ['SELECT * FROM runs', 'SELECT * FROM rosters', ...own].map((query) => database.prepare(query).all())
  } finally {
    database.close()
  }
}

/** The state that the first run's last round led to. */
function lastState(folder: string): string {
  const database = new Sqlite(join(folder, 'coordinator.db'), { readonly: true })
  const lines = database.prepare<[string], { line: string }>('SELECT line FROM entries WHERE run = ? ORDER BY place')
  const states = lines.all(first.id).flatMap(({ line }) => /"stateHash":"([0-9a-f]{64})"/.exec(line)?.[1] ?? [])
  database.close()
  return join(folder, 'blobs', states[states.length - 1] ?? 'none')
}

const altered = async (path: string, from: number): Promise<void> => {
  const bytes = await readFile(path)
  bytes.fill(0xff, from)
  await writeFile(path, bytes)
}

const sql = (folder: string, statement: string): void => {
  const database = new Sqlite(join(folder, 'coordinator.db'))
  database.exec(statement)
  database.close()
}

interface Damage {
  readonly what: string
  readonly code: string
  readonly advice: RegExp
  /** Whether what the database says can be read afterwards. */
  readonly readable: boolean
  readonly inflict: (folder: string) => unknown
}

const damages: readonly Damage[] = [
  {
    ...{
      what: 'a folder that may not be written',
      code: 'ERR_STORE',
      advice: /start the coordinator again|correct the folder/,
    },
    readable: true,
    inflict: (folder) => execFileSync('chmod', ['-R', 'a-w', folder]),
  },
  {
    ...{
      what: 'a file where the blobs should be',
      code: 'ERR_STORE',
      advice: /a file stands where a folder is expected/,
    },
    readable: true,
    inflict: async (folder) => {
      await rm(join(folder, 'blobs'), { recursive: true })
      await writeFile(join(folder, 'blobs'), '')
    },
  },
  {
    ...{ what: 'a database that is none', code: 'ERR_STORE', advice: /restore a backup/, readable: false },
    inflict: (folder) => altered(join(folder, 'coordinator.db'), 0),
  },
  {
    ...{ what: 'a database with damaged pages', code: 'ERR_STORE', advice: /restore a backup/, readable: false },
    inflict: (folder) => altered(join(folder, 'coordinator.db'), 4096),
  },
  {
    ...{
      what: 'a plan that was changed',
      code: 'ERR_STORE',
      advice: /run \w{16}: its plan is not as it was submitted/,
    },
    readable: true,
    inflict: (folder) => sql(folder, `UPDATE runs SET plan = replace(plan, 'rounds: 12', 'rounds: many')`),
  },
  {
    ...{ what: 'a roster that was changed', code: 'ERR_STORE', advice: /a row is not as this coordinator writes it/ },
    readable: true,
    inflict: (folder) => sql(folder, `UPDATE rosters SET sites = 'nobody'`),
  },
  {
    ...{ what: 'a state whose bytes have changed', code: 'ERR_STORE', advice: /restore a backup/, readable: true },
    inflict: (folder) => altered(lastState(folder), 10),
  },
  {
    ...{
      what: 'a state that is gone',
      code: 'ERR_STORE',
      advice: /is not in the store; restore a backup/,
      readable: true,
    },
    inflict: (folder) => rm(lastState(folder)),
  },
  {
    ...{ what: 'a key that is none', code: 'ERR_KEY_FILE', advice: /coordinator.key/, readable: true },
    inflict: (folder) => altered(join(folder, 'coordinator.key'), 0),
  },
]

// Windows keeps rights elsewhere than in the modes of files.
test.skipIf(process.platform === 'win32').each(damages)(
  'a coordinator that finds $what stops with $code and what to do, and changes nothing',
  async ({ code, advice, readable, inflict }) => {
    const folder = join(federation.folder, 'copy')
    await cp(home, folder, { recursive: true, preserveTimestamps: true })
    try {
      give(folder)
      await inflict(folder)
      const before = readable && rowsOf(folder)
      const blobs = await readdir(join(folder, 'blobs')).catch(() => [])
      const roster = ['--roster', federation.processes.rosterFile]
      const coordinator = new Command(entry, ['coordinator', '--dir', folder, ...roster, '--port', '0'], { user })
      const exit = await coordinator.exited
      expect([exit.code, exit.stderr]).toEqual([2, expect.stringContaining(code)])
      expect(exit.stderr).toMatch(advice)
      expect(readable && rowsOf(folder)).toEqual(before)
      expect(await readdir(join(folder, 'blobs')).catch(() => [])).toEqual(blobs)
    } finally {
      execFileSync('chmod', ['-R', 'u+w', folder])
      await rm(folder, { recursive: true })
    }
  },
)

test.skipIf(process.platform === 'win32')(
  'a journal that was edited ends its run for now and no other; put right, the run goes on; so it does after a folder that turned read-only',
  async () => {
    const { processes } = federation
    const edit = (from: string, to: string): void =>
      sql(home, `UPDATE entries SET line = replace(line, '${from}', '${to}') WHERE run = '${first.id}' AND place = 1`)
    edit('"county"', '"bounty"')
    const coordinator = processes.coordinatorAgain()
    for (const name of hospitals) processes.site(name)
    expect(await second.run.until(ofType('finished'))).toMatchObject({ modelHash: await undisturbed(second.plan) })
    expect(await federation.runs()).toMatchObject([
      { id: first.id, status: 'failed', code: 'ERR_JOURNAL', reason: expect.stringContaining('entry 1') },
      { id: second.id, status: 'finished' },
    ])
    await coordinator.kill('SIGTERM')
    expect(JSON.stringify(rowsOf(home))).toContain('bounty')
    edit('"bounty"', '"county"')

    give(home)
    const again = processes.coordinatorAgain({ user })
    const resumed = federation.watch(first.id)
    const blobs = join(home, 'blobs')
    await resumed.until(ofType('round'))
    await chmod(blobs, 0o500)
    const { code, stderr } = await again.exited
    expect([code, stderr]).toEqual([2, expect.stringMatching(/ERR_STORE[\s\S]*may not be written[\s\S]*again/)])
    const left = await readdir(blobs)
    expect(left.filter((name) => name.endsWith('.part'))).toEqual([])
    await chmod(blobs, 0o700)
    processes.coordinatorAgain({ user })
    expect(await resumed.until(ofType('finished'))).toMatchObject({
      ...{ rounds: 14, modelHash: await undisturbed(first.plan) },
    })
  },
  120_000,
)
