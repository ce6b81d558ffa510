/** A worker thread of a simulation: a pair of hands behind a message port. */

import { parentPort } from 'node:worker_threads'
import { unreachable } from '../../protocol/errors.ts'
import { Hand } from './hand.ts'
import type { FromWorker, ToWorker } from './tasks.ts'

let hand: Hand | undefined

async function answer(message: ToWorker): Promise<FromWorker> {
  if (message.type === 'open') {
    hand = new Hand(message.setting)
    return { type: 'opened' }
  }
  if (hand === undefined) throw new Error('work before the setting')
  switch (message.type) {
    case 'round':
      return { type: 'round', part: await hand.round(message.task) }
    case 'baseline':
      return { type: 'report', report: await hand.baseline(message.task) }
    case 'judge':
      return { type: 'report', report: await hand.judge(message.task) }
    default:
      return unreachable(message)
  }
}

const fault = (error: unknown): FromWorker => {
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error))
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined
  return { type: 'failed', error: { name, message, stack, code } }
}

/** Sums are handed over, not copied. */
const handedOver = (reply: FromWorker): ArrayBuffer[] =>
  reply.type === 'round'
    ? reply.part.sums.flatMap(({ sum }) => (sum.buffer instanceof ArrayBuffer ? [sum.buffer] : []))
    : []

parentPort?.on('message', async (message: ToWorker) => {
  const reply = await answer(message).catch(fault)
  parentPort?.postMessage(reply, handedOver(reply))
})
