import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { datasets } from '../../simulations/datasets/index.ts'
import { Command, type Line, type ProcessFederation, startProcesses } from '../../simulations/demo/processes.ts'

const entry = 'dist/concordat.js'
const names = ['university', 'heart-centre', 'county', 'veterans']
let running: ProcessFederation | undefined

afterEach(async () => {
  await running?.stop()
  running = undefined
})

/** A coordinator, and four sites whose agents nobody has started yet. */
async function federation(rounds: number) {
  const folder = await mkdtemp(join(tmpdir(), 'concordat-'))
  const sites = await Promise.all(
    datasets['four-hospitals'].generate({ seed: 1 }).map(async ({ site, csv }) => {
      const data = join(folder, `${site}.csv`)
      await writeFile(data, csv)
      return { name: site, data }
    }),
  )
  const processes = await startProcesses({ entry, folder, sites, patience: 10 })
  running = processes
  const plan = join(folder, 'plan.yaml')
  const text = await readFile('examples/hospitals.yaml', 'utf8')
  await writeFile(plan, text.replace(/^rounds: .*$/m, `rounds: ${rounds}`))
  return { folder, processes, plan, policy: join(folder, names[0], 'policy.yaml') }
}

const ofType =
  (wanted: string) =>
  (line: Line): boolean =>
    line.type === wanted

const concordat = async (...words: string[]) => {
  const command = new Command(entry, words)
  return { ...(await command.exited), lines: command.lines }
}

describe('the policy of a site', () => {
  test('is written on first start, and nothing runs until a person has confirmed it', async () => {
    const { processes, policy } = await federation(2)
    await rm(policy)
    for (const reason of ['wrote', 'nobody has confirmed']) {
      const { code, stderr } = await processes.site(names[0]).exited
      expect(code).toBe(2)
      expect(stderr).toContain('ERR_POLICY_UNCONFIRMED')
      expect(stderr).toContain(reason)
    }
    const confirmed = await concordat('policy', 'confirm', '--policy', policy)
    expect(confirmed).toMatchObject({ code: 0, lines: [{ inForce: true }] })
    expect(await readFile(policy, 'utf8')).toContain('# Last day on which this policy holds')
    await processes.site(names[0]).until(ofType('connected'))
  })

  test('that allows no unprotected plan keeps its site out, by code and not by reason; the others go on', async () => {
    const { processes, plan, policy } = await federation(2)
    await writeFile(policy, 'concordat: 1\nconfirmed: true\n')
    const others = names.slice(1).map((name) => processes.site(name))
    const careful = processes.site(names[0])
    const run = processes.run(plan)
    const heard = await run.until(ofType('declined'))
    expect(heard).toMatchObject({ site: names[0], code: 'ERR_POLICY_REFUSED' })
    expect(JSON.stringify(heard)).not.toContain('privacy.unprotected')
    expect(await careful.until(ofType('declined'))).toMatchObject({
      reason: expect.stringContaining('privacy.unprotected'),
    })
    expect((await run.exited).code).toBe(0)
    await Promise.all(others.map((agent) => agent.until(ofType('finished'))))
  })

  test('that is withdrawn in the middle of a run ends the part of its site at the next round', async () => {
    const { processes, plan, policy } = await federation(30)
    const agents = names.map((name) => processes.site(name))
    const run = processes.run(plan)
    await agents[0].until((line) => line.type === 'committed' && line.round === 2)
    await writeFile(policy, (await readFile(policy, 'utf8')).replace('confirmed: true', 'confirmed: false'))
    expect(await agents[0].until(ofType('refused'))).toMatchObject({ code: 'ERR_POLICY_UNCONFIRMED' })
    expect((await run.exited).code).toBe(0)
    const last = run.lines.filter(ofType('round')).at(-1)
    expect(last?.sites).not.toContain(names[0])
    expect(last?.absent).toContainEqual(expect.objectContaining({ site: names[0], code: 'ERR_POLICY_UNCONFIRMED' }))
  })

  test('that wants a person: the plan waits on the desk in plain words, the others go on, approval lets the site in', async () => {
    const { processes, plan, policy, folder } = await federation(60)
    await writeFile(policy, (await readFile(policy, 'utf8')).replace('approval: automatic', 'approval: person'))
    const others = names.slice(1).map((name) => processes.site(name))
    const careful = processes.site(names[0])
    const run = processes.run(plan)
    expect(await run.until(ofType('declined'))).toMatchObject({ code: 'ERR_APPROVAL_PENDING' })
    await others[0].until(ofType('committed'))
    const desk = ['--folder', join(folder, names[0])]
    expect((await concordat('review', ...desk)).lines).toMatchObject([
      { plans: [{ name: 'hospitals', state: 'waits' }] },
    ])
    const approved = await concordat('review', 'hospitals', '--approve', ...desk)
    expect(approved).toMatchObject({ code: 0, lines: [{ state: 'approved', preview: { privacy: { unit: null } } }] })
    await careful.until(ofType('joined'))
    expect(await careful.until(ofType('contributed'))).toBeDefined()
    expect((await run.exited).code).toBe(0)
    await careful.until(ofType('finished'))
  })

  test('a plan that a person refuses is declined with the person’s reason', async () => {
    const { processes, plan, policy, folder } = await federation(2)
    await writeFile(policy, (await readFile(policy, 'utf8')).replace('approval: automatic', 'approval: person'))
    const careful = processes.site(names[0])
    const run = processes.run(plan)
    await careful.until(ofType('declined'))
    const desk = ['--folder', join(folder, names[0])]
    expect((await concordat('review', 'hospitals', '--refuse', 'not our question', ...desk)).code).toBe(0)
    expect(await run.until((line) => line.type === 'declined' && line.code === 'ERR_PLAN_REFUSED')).toMatchObject({
      reason: 'not our question',
    })
  })
})
