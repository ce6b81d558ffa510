import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ProtocolError } from '../../../protocol/errors.ts'
import type { SiteLink } from '../../../protocol/wire/channel.ts'
import { envelope, openEnvelope } from '../../../protocol/wire/envelope.ts'
import { memoryBlobs, memoryLink } from '../../../protocol/wire/memory-channel.ts'
import { encodeMessage } from '../../../protocol/wire/messages.ts'
import { serveRuns } from '../../../protocol/wire/site-runs.ts'

const [a, b] = ['a', 'b'].map((digit) => digit.repeat(16))
const offer = encodeMessage({
  ...{ type: 'offer', plan: Uint8Array.of(1), roster: [], nonce: new Uint8Array(32), signature: new Uint8Array(64) },
})
const finish = encodeMessage({ type: 'finish', code: 'OK', reason: '', stateHash: new Uint8Array(32) })

/** Reads frames until a finish, and tells them all. */
const reader =
  (seen: Map<string, Uint8Array[]>) =>
  async (run: string, link: SiteLink): Promise<void> => {
    const frames: Uint8Array[] = []
    seen.set(run, frames)
    for await (const frame of link.frames) {
      frames.push(frame)
      if (frame[0] === finish[0]) return
    }
  }

const noPause = async (): Promise<void> => {}

test('what was enveloped comes out as it was; anything else is a broken frame', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ minLength: 8, maxLength: 8 }), (frame, id) => {
      const run = Buffer.from(id).toString('hex')
      const opened = openEnvelope(envelope({ run, frame }))
      expect(opened.run).toBe(run)
      expect(new Uint8Array(opened.frame)).toEqual(new Uint8Array(frame))
    }),
    { seed: 5, numRuns: 100 },
  )
  for (const bytes of [
    new Uint8Array(0),
    Uint8Array.of(30, 1, 2),
    encodeMessage({ type: 'progress', attempt: 1, done: 0 }),
  ])
    expect(() => openEnvelope(bytes)).toThrow(expect.objectContaining({ code: 'ERR_FRAME' }))
})

test('two runs over one link each see their own frames, in order', async () => {
  const { site, coordinator } = memoryLink(memoryBlobs())
  const seen = new Map<string, Uint8Array[]>()
  const served = serveRuns({ link: site, serve: reader(seen), isPassing: () => true, pause: noPause })
  const mixed: [string, Uint8Array][] = [
    ...[a, b].map((run): [string, Uint8Array] => [run, offer]),
    ...[1, 2, 3].flatMap((i) => [a, b].map((run): [string, Uint8Array] => [run, Uint8Array.of(99, i)])),
    ...[a, b].map((run): [string, Uint8Array] => [run, finish]),
  ]
  for (const [run, frame] of mixed) coordinator.send(envelope({ run, frame }))
  coordinator.close()
  await served
  for (const run of [a, b])
    expect(seen.get(run)?.map((frame) => [...frame])).toEqual([
      ...[[...offer]],
      ...[1, 2, 3].map((i) => [99, i]),
      ...[[...finish]],
    ])
})

test('a run that broke off is asked for anew, takes no frame before its offer, and leaves the other alone', async () => {
  const { site, coordinator } = memoryLink(memoryBlobs())
  const seen = new Map<string, Uint8Array[]>()
  let broken = 0
  const served = serveRuns({
    link: site,

    serve: async (run, link) => {
      if (run === a && broken++ === 0) throw new ProtocolError('ERR_SILENT', 'given up')
      await reader(seen)(run, link)
    },
    isPassing: ({ code }) => code === 'ERR_SILENT',
    pause: noPause,
  })
  const said = coordinator.frames[Symbol.asyncIterator]()
  coordinator.send(envelope({ run: b, frame: offer }))
  coordinator.send(envelope({ run: a, frame: offer }))
  const { run, frame } = openEnvelope((await said.next()).value)
  expect([run, frame.length]).toEqual([a, 0])
  coordinator.send(envelope({ run: a, frame: encodeMessage({ type: 'progress', attempt: 7, done: 0 }) }))
  for (const each of [a, b]) coordinator.send(envelope({ run: each, frame: each === a ? offer : finish }))
  coordinator.send(envelope({ run: a, frame: finish }))
  coordinator.close()
  await served
  expect(seen.get(a)?.map(([tag]) => tag)).toEqual([offer[0], finish[0]])
  expect(seen.get(b)?.map(([tag]) => tag)).toEqual([offer[0], finish[0]])
})

test('what is not passing ends the link, and is what the caller learns', async () => {
  const { site, coordinator } = memoryLink(memoryBlobs())
  const served = serveRuns({
    link: site,

    serve: async () => {
      throw new ProtocolError('ERR_UNKNOWN_SITE', 'go away')
    },
    isPassing: () => false,
    pause: noPause,
  })
  coordinator.send(envelope({ run: a, frame: offer }))
  await expect(served).rejects.toMatchObject({ code: 'ERR_UNKNOWN_SITE' })
})
