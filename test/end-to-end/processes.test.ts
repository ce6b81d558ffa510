import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import * as z from 'zod'
import { datasets } from '../../simulations/datasets/index.ts'
import { Command } from '../../simulations/demo/processes.ts'
import { Ends, entry, hospitals as names, ofType, startHospitals, undisturbed } from '../support/hospitals.ts'

const ends = new Ends()

afterEach(() => ends.all())

/** Four agents on the built-in data, connected or about to be. */
async function federation(rounds: number) {
  const { folder, processes, plan } = await startHospitals(ends)
  return { folder, processes, plan: await plan('hospitals', { rounds }) }
}

test('four site processes over sockets end with the model that a simulation of the same plan ends with', async () => {
  const { folder, processes, plan } = await federation(4)
  const agents = names.map((name) => processes.site(name))
  const run = processes.run(plan)
  const finished = await run.until(ofType('finished'))
  expect((await run.exited).code).toBe(0)
  await Promise.all(agents.map((agent) => agent.until(ofType('finished'))))
  const exits = await processes.stop()
  expect(exits.map(({ code, signal, stderr }) => ({ code, signal, stderr }))).toEqual(
    exits.map(() => ({ code: 0, signal: null, stderr: '' })),
  )
  expect(finished.modelHash).toBe(await undisturbed(plan))
  for (const name of names) {
    const model = await readFile(join(folder, name, 'model.json'), 'utf8')
    expect(model).toBe(await readFile(join(folder, 'result', 'result.json'), 'utf8'))
    expect((await stat(join(folder, name, 'identity.key'))).mode & 0o777).toBe(0o600)
  }
  const rows = join(folder, 'rows.csv')
  const [header, ...lines] = datasets['four-hospitals'].generate({ seed: 1 })[0].csv.trim().split('\n')
  await writeFile(rows, [header, ...lines].map((line) => line.slice(0, line.lastIndexOf(','))).join('\n'))
  const predicted = new Command(entry, ['predict', join(folder, names[0], 'model.json'), rows])
  expect((await predicted.exited).code).toBe(0)
  const { rows: outputs } = z.object({ rows: z.array(z.tuple([z.number()])) }).parse(predicted.lines[0])
  expect(outputs).toHaveLength(lines.length)
  const meanOf = (sick: boolean): number => {
    const scores = outputs.flatMap(([p], i) => (lines[i].endsWith(sick ? ',1' : ',0') ? [p] : []))
    return scores.reduce((sum, p) => sum + p, 0) / scores.length
  }
  expect(meanOf(true)).toBeGreaterThan(meanOf(false) + 0.2)
})

test('statistics of every column over sockets are those of all rows in one place', async () => {
  const { folder, processes, plan } = await federation(1)
  const text = (await readFile(plan, 'utf8'))
    .replace(/algorithm:\n( {2}.*\n)+/, 'algorithm: { name: statistics }\n')
    .replace(/model:\n( {2}.*\n)+/, '')
  await writeFile(plan, text)
  for (const name of names) processes.site(name)
  const run = processes.run(plan)
  expect((await run.exited).code).toBe(0)
  const result = statisticsSchema.parse(JSON.parse(await readFile(join(folder, 'result', 'result.json'), 'utf8')))
  const files = datasets['four-hospitals'].generate({ seed: 1 })
  const ages = files.flatMap(({ csv }) => columnOf(csv, 'age')).filter((age) => age !== '')
  const mean = ages.reduce((sum, age) => sum + Number(age), 0) / ages.length
  expect(result.rows).toBe(files.reduce((sum, { csv }) => sum + csv.trim().split('\n').length - 1, 0))
  expect(result.columns.age.count).toBe(ages.length)
  expect(result.columns.age.mean).toBeCloseTo(mean, 6)
})

const statisticsSchema = z.object({
  rows: z.number(),
  columns: z.object({ age: z.object({ count: z.number(), mean: z.number() }) }),
})

function columnOf(csv: string, name: string): readonly string[] {
  const [header, ...lines] = csv
    .trim()
    .split('\n')
    .map((line) => line.split(','))
  return lines.map((line) => line[header.indexOf(name)])
}

const accountSchema = z.object({ sites: z.array(z.string()), absent: z.array(z.unknown()) })

/** How the round says who was not in its sum: it did not come back, or as another process. */
const lost = expect.objectContaining({
  site: names[0],
  code: expect.stringMatching(/ERR_LINK_LOST|ERR_REPLACED|ERR_NOT_CONNECTED/),
})

describe('a site killed with kill -9', () => {
  const phases = [
    ['after it joined, before any round', 'joined', 0],
    ['while it computes its contribution', 'contributing', 2],
    ['after its masked vector has left', 'contributed', 2],
    ['between two rounds', 'committed', 2],
  ] as const
  test.each(phases)('%s: the run goes on without it, and it comes back', async (_, type, round) => {
    const { processes, plan } = await federation(40)
    const others = names.slice(1).map((name) => processes.site(name))
    const victim = processes.site(names[0])
    const run = processes.run(plan)
    // While one of the others is frozen no round ends, however late this process hears of what the victim does.
    const held = type === 'contributing' || type === 'contributed'
    await new Promise<void>((resolve) => {
      victim.watch((line) => {
        if (held && line.type === 'committed' && line.round === round - 1) others[0].freeze(true)
        if (line.type === type && (round === 0 || line.round === round)) resolve()
      })
    })
    expect((await victim.kill('SIGKILL')).signal).toBe('SIGKILL')
    others[0].freeze(false)
    const back = processes.site(names[0])
    await run.until(ofType('finished'))
    expect((await run.exited).code).toBe(0)
    await Promise.all([back, ...others].map((agent) => agent.until(ofType('finished'))))
    const rounds = run.lines.filter(ofType('round'))
    expect(rounds).toHaveLength(42)
    if (held) {
      // Its vector had come whole, or the round says that it was lost.
      const last = Math.max(...victim.lines.filter(ofType('contributing')).map((line) => Number(line.round)))
      const { sites, absent } = accountSchema.parse(rounds.find((line) => line.round === last))
      if (!sites.includes(names[0])) expect(absent).toContainEqual(lost)
    }
    expect(others.flatMap((agent) => agent.lines.filter(ofType('refused')))).toEqual([])
    // The new process may be asked for what only the one that was killed could have answered.
    for (const { reason } of back.lines.filter(ofType('refused')))
      expect(reason).toMatch(/does not expect .* when it is idle$/)
    expect(back.lines.filter(ofType('contributed')).length).toBeGreaterThan(0)
  })
})

describe('a coordinator killed with kill -9', () => {
  const moments = [
    ['before the first round', 'joined', 1],
    ['while a site computes', 'contributing', 1],
    ['after a masked vector has left', 'contributed', 3],
    ['between two rounds', 'committed', 4],
  ] as const
  test.each(moments)(
    '%s and started again goes on, and ends with the model of an undisturbed run',
    async (_, type, nth) => {
      const { processes, plan } = await federation(12)
      const agents = names.map((name) => processes.site(name))
      const run = processes.run(plan)
      let seen = 0
      await new Promise<void>((resolve) => {
        agents[0].watch((line) => {
          if (line.type === type && ++seen === nth) resolve()
        })
      })
      expect((await processes.coordinator.kill('SIGKILL')).signal).toBe('SIGKILL')
      processes.coordinatorAgain()
      const finished = await run.until(ofType('finished'))
      expect((await run.exited).code).toBe(0)
      await Promise.all(agents.map((agent) => agent.until(ofType('finished'))))
      expect(finished.modelHash).toBe(await undisturbed(plan))
      expect(finished.rounds).toBe(14)
    },
  )
})

describe('bad input', () => {
  test('a port in use is named, with exit code 2', async () => {
    const { processes, folder } = await federation(1)
    const port = new URL(processes.url).port
    const second = new Command(entry, [
      ...['coordinator', '--dir', join(folder, 'second'), '--roster', processes.rosterFile, '--port', port],
    ])
    expect(await second.exited).toMatchObject({ code: 2, stderr: expect.stringContaining('ERR_PORT') })
  })

  test('a site that pinned another key does not trust this coordinator, with exit code 3', async () => {
    const { processes, folder } = await federation(1)
    const site = new Command(entry, [
      ...['site', '--name', names[0], '--folder', join(folder, names[0]), '--roster', processes.rosterFile],
      ...['--data', join(folder, `${names[0]}.csv`), '--coordinator', processes.url],
      ...['--coordinator-key', 'ab'.repeat(32)],
    ])
    expect(await site.exited).toMatchObject({ code: 3, stderr: expect.stringContaining('ERR_UNTRUSTED_COORDINATOR') })
  })

  test('a site that nobody put in the roster is turned away, with exit code 3', async () => {
    const { processes, folder } = await federation(1)
    const site = new Command(entry, [
      ...['site', '--name', 'stranger', '--folder', join(folder, 'stranger'), '--roster', processes.rosterFile],
      ...['--policy', join(folder, names[0], 'policy.yaml')],
      ...['--data', join(folder, `${names[0]}.csv`), '--coordinator', processes.url],
      ...['--coordinator-key', processes.coordinatorKey],
    ])
    expect(await site.exited).toMatchObject({ code: 3, stderr: expect.stringContaining('ERR_UNKNOWN_SITE') })
  })

  test('an unreachable coordinator is said, with exit code 3, where a site runs once', async () => {
    const { processes, folder } = await federation(1)
    await processes.coordinator.kill('SIGTERM')
    const site = new Command(entry, [
      ...['site', '--once', '--name', names[0], '--folder', join(folder, names[0]), '--roster', processes.rosterFile],
      ...['--data', join(folder, `${names[0]}.csv`), '--coordinator', processes.url],
      ...['--coordinator-key', processes.coordinatorKey],
    ])
    expect(await site.exited).toMatchObject({ code: 3, stderr: expect.stringContaining('ERR_UNREACHABLE') })
    expect(site.lines.some(ofType('reconnecting'))).toBe(true)
  })

  test('an unknown plan key is refused with its path before any site is asked, with exit code 2', async () => {
    const { processes, plan } = await federation(1)
    await writeFile(plan, `${await readFile(plan, 'utf8')}\nepochs: 3\n`)
    const run = processes.run(plan)
    expect(await run.exited).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/ERR_PLAN\n.*unknown key "epochs"/),
    })
  })

  test('a site whose table lacks a column declines with a code, quotes no record, and the others go on', async () => {
    const { processes, plan, folder } = await federation(3)
    const own = join(folder, `${names[0]}.csv`)
    await writeFile(own, (await readFile(own, 'utf8')).replace('cholesterol', 'lipids'))
    const agents = names.slice(1).map((name) => processes.site(name))
    const odd = processes.site(names[0])
    const run = processes.run(plan)
    const declined = await run.until(ofType('declined'))
    expect(declined).toMatchObject({ site: names[0], code: 'ERR_DATA_COLUMN_UNKNOWN' })
    expect(await odd.until(ofType('declined'))).toMatchObject({ reason: expect.stringContaining('lipids') })
    await run.until(ofType('finished'))
    await Promise.all(agents.map((agent) => agent.until(ofType('finished'))))
  })
})
