import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Writer } from '../../../protocol/bytes.ts'
import type { Channel } from '../../../protocol/wire/channel.ts'
import { farewell, LastingChannel } from '../../../protocol/wire/lasting-channel.ts'
import { limits } from '../../../protocol/wire/limits.ts'
import { Mailbox } from '../../../protocol/wire/mailbox.ts'
import { decodeMessage } from '../../../protocol/wire/messages.ts'
import { NumberedFrames } from '../../../protocol/wire/numbered.ts'
import { type End, LossyWire } from '../../support/lossy-wire.ts'

const end = fc.constantFrom<End>('site', 'coordinator')
const action = fc.oneof(
  { weight: 6, arbitrary: fc.record({ does: fc.constant('send' as const), end, size: fc.nat({ max: 3_000 }) }) },
  { weight: 5, arbitrary: fc.record({ does: fc.constant('deliver' as const), end, count: fc.nat({ max: 6 }) }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('cut' as const) }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('duplicate' as const), end }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('swap' as const), end }) },
)

test('whatever breaks, comes twice or in another order: each end reads what the other has sent, once and in order', async () => {
  let [cuts, swaps] = [0, 0]
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 5, maxLength: 60 }), async (actions) => {
      const wire = new LossyWire()
      const sent = { site: [] as number[], coordinator: [] as number[] }
      let count = 0
      for (const act of actions) {
        if (act.does === 'send') {
          const from = act.end
          sent[from === 'site' ? 'coordinator' : 'site'].push(++count)
          wire[from].send(new Writer().uint32(count).raw(new Uint8Array(act.size)).finish())
        } else if (act.does === 'deliver') wire.deliver(act.end, act.count)
        else if (act.does === 'cut') wire.cut()
        else wire[act.does](act.end)
        cuts += Number(act.does === 'cut')
        swaps += Number(act.does === 'swap')
        await wire.settle()
      }
      await wire.finish()
      const numbers = (frames: readonly Uint8Array[]) =>
        frames.map((frame) => new DataView(frame.buffer, frame.byteOffset).getUint32(0))
      expect(numbers(wire.read.site)).toEqual(sent.site)
      expect(numbers(wire.read.coordinator)).toEqual(sent.coordinator)
      expect([wire.site.ended, wire.coordinator.ended]).toEqual([undefined, undefined])
    }),
    { seed: 11, numRuns: 150 },
  )
  expect(Math.min(cuts, swaps)).toBeGreaterThan(100)
})

test('while there is a connection hardly anything is kept: eight small frames, or one large one', () => {
  const [here, there] = [new NumberedFrames(), new NumberedFrames()]
  for (const size of [10, 10, 5_000, 10, 100_000, ...Array.from({ length: 40 }, () => 20)]) {
    there.take(here.number(new Uint8Array(size)))
    const told = there.acknowledgement()
    if (told !== undefined) here.take(told)
    expect(here.kept).toBeLessThan(8)
  }
  // What is said anyway acknowledges too.
  here.take(there.number(Uint8Array.of(1)))
  expect(here.kept).toBe(0)
})

test('without a connection as much is kept as may be, and then the link ends', () => {
  const channel = new LastingChannel(() => {})
  for (let i = 0; i < limits.keptFrames; i++) channel.send(Uint8Array.of(1))
  expect(channel.ended).toBeUndefined()
  channel.send(Uint8Array.of(1))
  expect(channel.ended).toMatchObject({ code: 'ERR_UNACKNOWLEDGED' })
  const large = new LastingChannel(() => {})
  for (let i = 0; i < 16; i++) large.send(new Uint8Array(limits.frame - 100))
  expect(large.ended).toBeUndefined()
  large.send(new Uint8Array(limits.frame))
  expect(large.ended).toMatchObject({ code: 'ERR_UNACKNOWLEDGED' })
})

/** One end of a link, and what its peer says and hears. */
function alone() {
  const [inbox, said] = [new Mailbox<Uint8Array>(), [] as Uint8Array[]]
  let [closed, lost] = [false, 0]
  const connection: Channel = { frames: inbox, send: (frame) => said.push(frame), close: () => inbox.close() }
  const close = connection.close
  const channel = new LastingChannel(() => lost++)
  channel.attach(
    {
      ...connection,
      close: () => {
        closed = true
        close()
      },
    },
    0,
  )
  const hear = async (bytes: Uint8Array): Promise<void> => {
    inbox.put(bytes)
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { channel, hear, said, state: () => ({ closed, lost }) }
}

const numbered = (number: number, acknowledged: number): Uint8Array =>
  new Writer().uint8(31).uint64(number).uint64(acknowledged).raw(Uint8Array.of(9)).finish()

describe('a peer that does not keep the rules', () => {
  test('leaves a frame out: the connection ends with a code, the link does not', async () => {
    const { channel, hear, said, state } = alone()
    await hear(numbered(1, 0))
    await hear(numbered(3, 0))
    expect(said.map(decodeMessage)).toMatchObject([{ type: 'abort', code: 'ERR_FRAME_GAP' }])
    expect(state()).toEqual({ closed: true, lost: 1 })
    expect(channel.ended).toBeUndefined()
    expect(channel.received).toBe(1)
  })

  test.each([
    ['acknowledges what was never sent', numbered(1, 5)],
    ['sends something else', Uint8Array.of(30, 1, 2, 3)],
    ['breaks off in the middle of a number', Uint8Array.of(31, 0, 0)],
    ['adds to an acknowledgement', Uint8Array.of(32, 0, 0, 0, 0, 0, 0, 0, 0, 7)],
  ])('%s: the link ends', async (_, bytes) => {
    const { channel, hear, state } = alone()
    await hear(bytes)
    expect(channel.ended).toMatchObject({ code: 'ERR_FRAME' })
    expect(state()).toEqual({ closed: true, lost: 0 })
  })

  test('comes back and has taken fewer frames than before, or more than were sent: the link ends', async () => {
    for (const taken of [0, 9]) {
      const { channel, hear } = alone()
      channel.send(Uint8Array.of(1))
      channel.send(Uint8Array.of(2))
      await hear(numbered(1, 1))
      channel.attach({ frames: new Mailbox(), send: () => {}, close: () => {} }, taken)
      expect(channel.ended).toMatchObject({ code: 'ERR_FRAME' })
    }
  })
})

test('an end that closes says so, and the other does not wait for it', async () => {
  const wire = new LossyWire()
  wire.site.send(Uint8Array.of(1))
  wire.site.close()
  await wire.settle()
  expect(wire.coordinator.ended).toMatchObject({ code: 'ERR_LINK_LOST' })
  await expect(wire.coordinator.connected()).rejects.toMatchObject({ code: 'ERR_LINK_LOST' })
  expect(wire.connections).toBe(1)
})

test('why the coordinator ends a link is what the site is told', async () => {
  const { channel, hear } = alone()
  const waits = channel.connected()
  await hear(farewell('ERR_ROSTER_CHANGED', 'the roster has changed'))
  await waits
  expect(channel.ended).toMatchObject({ code: 'ERR_ROSTER_CHANGED', message: 'the roster has changed' })
})
