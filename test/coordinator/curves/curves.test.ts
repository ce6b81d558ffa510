/** Curves in other tools' formats, read back by their own rules. */

import { mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { csv } from '../../../coordinator/curves/csv.ts'
import { curvesOf, type RunCurves } from '../../../coordinator/curves/curve.ts'
import { mlflow } from '../../../coordinator/curves/mlflow.ts'
import { crc32c, record, tensorboard } from '../../../coordinator/curves/tensorboard.ts'
import type { TimedEvent } from '../../../coordinator/events.ts'
import { utf8 } from '../../../protocol/bytes.ts'

const round = (number: number, at: number, auc: number): TimedEvent => ({
  ...{ type: 'round', round: number, purpose: 'training', sites: ['a', 'b', 'c'], absent: [], seconds: 2, at },
  ...{ metrics: { auc }, bytesUp: 1, bytesDown: 1, stateHash: '00' },
})
const finished: TimedEvent = {
  type: 'finished',
  at: 1_006_000,
  rounds: 2,
  modelHash: '00',
  metrics: {},
  result: undefined,
}
const run = { id: '0123456789abcdef', name: 'heart' }
const curves: RunCurves = curvesOf(run, [round(0, 1_002_000, 0.5), round(1, 1_005_000, 0.75), finished])
const newFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'concordat-'))

test('a point stands where its round ended', () => {
  expect(curves.points.map(({ round: step, at }) => [step, at])).toEqual([
    [0, 1_002_000],
    [1, 1_005_000],
  ])
  expect(curves.outcome).toBe('finished')
})

test('checksums are those of RFC 3720, appendix B.4', () => {
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa)
  expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43)
  expect(crc32c(utf8('123456789'))).toBe(0xe3069283)
})

test('an event file holds a version and a scalar summary a round, each record with checksums that hold', async () => {
  const [path] = await tensorboard(curves, await newFolder())
  const bytes = await readFile(path)
  const events: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const length = Number(bytes.readBigUInt64LE(at))
    const body = bytes.subarray(at + 12, at + 12 + length)
    expect(bytes.subarray(at, at + 16 + length).equals(record(body))).toBe(true)
    events.push(body)
    at += 16 + length
  }
  expect(events).toHaveLength(3)
  expect(events[0].toString('latin1')).toContain('brain.Event:2')
  const [, , second] = events
  expect(second.readDoubleLE(1)).toBe(1005)
  // Field 2, step 1; field 5, the summary: its first value has the tag "auc" and the float 0.75.
  expect([...second.subarray(9, 12)]).toEqual([0x10, 1, 0x2a])
  const tag = second.indexOf('auc')
  expect(second[tag - 2]).toBe(0x0a)
  expect(second[tag + 3]).toBe(0x15)
  expect(second.readFloatLE(tag + 4)).toBe(0.75)
})

test("a run in MLflow's file store has its state, its name, and a line a value", async () => {
  const folder = await newFolder()
  await mlflow(curves, folder)
  const home = join(folder, '0', '0123456789abcdef'.padEnd(32, '0'))
  expect(await readFile(join(home, 'metrics', 'auc'), 'utf8')).toBe('1002000 0.5 0\n1005000 0.75 1\n')
  expect(await readFile(join(home, 'tags', 'mlflow.runName'), 'utf8')).toBe('heart')
  expect(parse(await readFile(join(home, 'meta.yaml'), 'utf8'))).toMatchObject({
    status: 3,
    run_name: 'heart',
    experiment_id: '0',
    end_time: 1_005_000,
  })
  expect(parse(await readFile(join(folder, '0', 'meta.yaml'), 'utf8'))).toMatchObject({ lifecycle_stage: 'active' })
})

test('a table has a line a round', async () => {
  const [path] = await csv(curves, await newFolder())
  expect(await readFile(path, 'utf8')).toBe(
    'round,at,auc,sites,seconds\n0,1970-01-01T00:16:42.000Z,0.5,3,2\n1,1970-01-01T00:16:45.000Z,0.75,3,2\n',
  )
})
