import { afterEach, expect, test } from 'vitest'
import type { Surroundings } from '../../simulations/demo/processes.ts'
import { Ends, hospitals, ofType, startHospitals, undisturbed } from '../support/hospitals.ts'
import { startPostgres } from '../support/postgres.ts'
import { startS3 } from '../support/s3-server.ts'

const credentials = { accessKeyId: 'operator', secretAccessKey: 'a secret of the bucket', region: 'eu-central-1' }
const ends = new Ends()
afterEach(() => ends.all())

async function federation(rounds: number, surroundings: Surroundings) {
  const { processes, ...started } = await startHospitals(ends, { surroundings })
  for (const name of hospitals) processes.site(name)
  const plan = await started.plan('hospitals', { rounds })
  return { processes, plan, run: processes.run(plan) }
}

test('a coordinator on PostgreSQL and a bucket, killed with kill -9, goes on and ends with the undisturbed model', async () => {
  const postgres = await startPostgres()
  ends.add(() => postgres.stop())
  const bucket = await startS3(credentials)
  ends.add(() => bucket.stop())
  const environment = {
    ...{ DATABASE_URL: await postgres.newDatabase(), BLOBS_URL: bucket.url, AWS_REGION: credentials.region },
    ...{ AWS_ACCESS_KEY_ID: credentials.accessKeyId, AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey },
  }
  const { processes, run, plan } = await federation(8, { environment })
  await run.until((line) => line.type === 'round' && Number(line.round) >= 3)
  await processes.coordinator.kill('SIGKILL')
  processes.coordinatorAgain()
  expect((await run.until(ofType('finished'))).modelHash).toBe(await undisturbed(plan))
  expect(bucket.objects.size).toBeGreaterThan(0)
}, 120_000)

// The shell's limit on the size of a file is what a full disk looks like to a process; Windows has none.
test.runIf(process.platform !== 'win32')(
  'a disk that fills up in the middle of a run stops the coordinator with what to do; with room again it goes on to the undisturbed model',
  async () => {
    const { processes, run, plan } = await federation(40, { fileBlocks: 700 })
    const { code, stderr } = await processes.coordinator.exited
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringMatching(/ERR_STORE[\s\S]*again/) })
    const committed = run.lines.filter(ofType('round')).length
    expect(committed).toBeGreaterThan(0)
    expect(committed).toBeLessThan(42)
    processes.coordinatorAgain({ fileBlocks: 1_000_000 })
    expect((await run.until(ofType('finished'))).modelHash).toBe(await undisturbed(plan))
  },
  120_000,
)
