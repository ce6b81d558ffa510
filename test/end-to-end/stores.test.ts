import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { planMenus } from '../../learning/computation.ts'
import { chooseTrainer } from '../../learning/engine/choose.ts'
import { parsePlanFile } from '../../protocol/plan.ts'
import { datasets } from '../../simulations/datasets/index.ts'
import { type ProcessFederation, type Surroundings, startProcesses } from '../../simulations/demo/processes.ts'
import { simulate } from '../../simulations/simulate.ts'
import { startPostgres } from '../support/postgres.ts'
import { startS3 } from '../support/s3-server.ts'

const credentials = { accessKeyId: 'operator', secretAccessKey: 'a secret of the bucket', region: 'eu-central-1' }
const ends: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end()
})

async function federation(rounds: number, surroundings: Surroundings) {
  const folder = await mkdtemp(join(tmpdir(), 'concordat-'))
  const sites = await Promise.all(
    datasets['four-hospitals'].generate({ seed: 1 }).map(async ({ site, csv }) => {
      await writeFile(join(folder, `${site}.csv`), csv)
      return { name: site, data: join(folder, `${site}.csv`) }
    }),
  )
  const text = (await readFile('examples/hospitals.yaml', 'utf8')).replace(/^rounds: .*$/m, `rounds: ${rounds}`)
  await writeFile(join(folder, 'plan.yaml'), text)
  const processes = await startProcesses({ entry: 'dist/concordat.js', folder, sites, patience: 10, surroundings })
  ends.push(() => processes.stop())
  for (const { name } of sites) processes.site(name)
  return { processes, run: processes.run(join(folder, 'plan.yaml')), text }
}

const undisturbed = async (text: string): Promise<string> => {
  const [{ modelHash }] = await simulate(parsePlanFile(text, planMenus), {
    ...{ data: undefined, trainer: chooseTrainer(), report: () => {} },
  })
  return modelHash
}

async function afterRound(run: ReturnType<ProcessFederation['run']>, round: number): Promise<void> {
  await run.until((line) => line.type === 'round' && Number(line.round) >= round)
}

test('a coordinator on PostgreSQL and a bucket, killed with kill -9, goes on and ends with the undisturbed model', async () => {
  const postgres = await startPostgres()
  ends.push(() => postgres.stop())
  const bucket = await startS3(credentials)
  ends.push(() => bucket.stop())
  const environment = {
    ...{ DATABASE_URL: await postgres.newDatabase(), BLOBS_URL: bucket.url, AWS_REGION: credentials.region },
    ...{ AWS_ACCESS_KEY_ID: credentials.accessKeyId, AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey },
  }
  const { processes, run, text } = await federation(8, { environment })
  await afterRound(run, 3)
  await processes.coordinator.kill('SIGKILL')
  processes.coordinatorAgain()
  expect((await run.until(({ type }) => type === 'finished')).modelHash).toBe(await undisturbed(text))
  expect(bucket.objects.size).toBeGreaterThan(0)
}, 120_000)

// The shell's limit on the size of a file is what a full disk looks like to a process; Windows has none.
test.runIf(process.platform !== 'win32')(
  'a disk that fills up in the middle of a run stops the coordinator with what to do; with room again it goes on to the undisturbed model',
  async () => {
    const { processes, run, text } = await federation(40, { fileBlocks: 700 })
    const { code, stderr } = await processes.coordinator.exited
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringMatching(/ERR_STORE[\s\S]*again/) })
    const committed = run.lines.filter(({ type }) => type === 'round').length
    expect(committed).toBeGreaterThan(0)
    expect(committed).toBeLessThan(42)
    processes.coordinatorAgain({ fileBlocks: 1_000_000 })
    expect((await run.until(({ type }) => type === 'finished')).modelHash).toBe(await undisturbed(text))
  },
  120_000,
)
