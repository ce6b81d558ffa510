/** The order in which examples are visited: the same for every engine, so that engines can be held against each other. */

import type { Stream } from '../../protocol/stream.ts'

/** One epoch: a fresh permutation cut into batches of `batchSize`; the last one may be shorter. */
export function* epochBatches(rows: number, batchSize: number, stream: Stream): Generator<Uint32Array> {
  const order = stream.permutation(rows)
  for (let start = 0; start < rows; start += batchSize) yield order.subarray(start, Math.min(start + batchSize, rows))
}
