import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ReceiptFile, readReceipts } from '../../client-node/receipt-file.ts'
import type { SumRequest } from '../../protocol/algorithm.ts'
import { contentsOf } from '../../protocol/participant/receipt.ts'
import { encodeMessage } from '../../protocol/wire/messages.ts'

const request: SumRequest = {
  purpose: 'training round 1 of 2',
  bits: 32,
  lanes: [
    { name: 'update', length: 2, bound: 5, kind: 'real', l2: 5 },
    { name: 'clipped', length: 1, bound: 1, kind: 'integer' },
  ],
}
const contents = (clipped: number) =>
  contentsOf({
    ...{ session: new Uint8Array(32), plan: 'heart', round: 1, request, suppressed: 0, mechanism: 'none', unit: null },
    charge: [{ type: 'unprotected', count: 1 }],
    lanes: { update: Float64Array.of(3, 4), clipped: Float64Array.of(clipped) },
  })

async function written(count: number): Promise<string> {
  const path = join(await mkdtemp(join(tmpdir(), 'concordat-')), 'receipts.jsonl')
  const file = new ReceiptFile(path)
  for (let i = 0; i < count; i++) {
    file.contribution({ ...contents(i % 2), bytes: 12, sha256: 'ab'.repeat(32) })
    file.control(encodeMessage({ type: 'decline', code: 'ERR_X', reason: 'because' }))
    file.control(encodeMessage({ type: 'progress', attempt: 1, done: 0 }))
  }
  file.close()
  return path
}

test('a contribution says its lanes with norms and whether it was clipped; a heartbeat has no line', async () => {
  const { lines } = readReceipts(await written(2))
  expect(lines.map(({ receipt: { kind } }) => kind)).toEqual(['contribution', 'control', 'contribution', 'control'])
  expect(lines.map(({ receipt }) => (receipt.kind === 'contribution' ? receipt.clipped : receipt.type))).toEqual([
    false,
    'decline',
    true,
    'decline',
  ])
  expect(lines[0].receipt).toMatchObject({
    lanes: [
      { name: 'update', length: 2, norm: 5, largest: 5 },
      { name: 'clipped', length: 1, norm: 0, largest: null },
    ],
  })
})

test('a line that is gone, changed or moved is named, and the file is not gone on with', async () => {
  const path = await written(3)
  const lines = (await readFile(path, 'utf8')).trim().split('\n')
  const faults: [string[], RegExp][] = [
    [lines.toSpliced(2, 1), /line 3: expected receipt 2, found 3/],
    [lines.with(2, lines[2].replace('"bytes":12', '"bytes":13')), /line 4: the line before was changed/],
    [lines.with(1, lines[2]).with(2, lines[1]), /line 2: expected receipt 1, found 2/],
    [lines.with(0, '{}'), /line 1: it is no receipt/],
  ]
  for (const [changed, reason] of faults) {
    await writeFile(path, `${changed.join('\n')}\n`)
    expect(() => readReceipts(path)).toThrow(reason)
    expect(() => new ReceiptFile(path)).toThrow(expect.objectContaining({ code: 'ERR_RECEIPTS' }))
  }
})

test('half a line that a crash left is cut off, and the chain goes on', async () => {
  const path = await written(1)
  await writeFile(path, `${await readFile(path, 'utf8')}{"index":2,"prev`)
  const file = new ReceiptFile(path)
  file.contribution({ ...contents(0), bytes: 12, sha256: 'cd'.repeat(32) })
  file.close()
  expect(readReceipts(path).lines.map(({ index }) => index)).toEqual([0, 1, 2])
})
