import { expect, test } from 'vitest'
import { nodeProvider as provider } from '../../../protocol/crypto/node/provider.ts'
import { type ErrorCode, ProtocolError } from '../../../protocol/errors.ts'
import type { Channel } from '../../../protocol/wire/channel.ts'
import { type Identity, receive, resumed, welcome } from '../../../protocol/wire/handshake.ts'
import { LastingChannel } from '../../../protocol/wire/lasting-channel.ts'
import { memoryBlobs, memoryLink } from '../../../protocol/wire/memory-channel.ts'
import { SiteLinks, type Way } from '../../../protocol/wire/site-links.ts'
import { testRandom } from '../../support/secure-round.ts'

const identityOf = async (name: string): Promise<Identity> => {
  const seed = testRandom(name).bytes(32)
  return { publicKey: await provider.ed25519PublicKey(seed), sign: (message) => provider.ed25519Sign(seed, message) }
}

/** A coordinator that keeps one link, and the links of a site to it. */
async function parties(way: Partial<Way> = {}) {
  const [site, coordinator] = [await identityOf('site'), await identityOf('coordinator')]
  const context = { verify: provider.ed25519Verify, random: testRandom('nonces') }
  const kept: {
    token?: Uint8Array | undefined
    channel?: LastingChannel
    connection?: Channel
    refuses?: ErrorCode
  } = {}
  const counts = { connected: 0, paused: 0, resumed: 0, welcomed: 0 }
  const door = async (connection: Channel): Promise<void> => {
    const known = { isSite: () => true, tokenOf: () => kept.token }
    const peer = await receive(connection, known, { ...context, identity: coordinator })
    kept.connection = connection
    if (peer.resumed !== undefined && kept.channel !== undefined) {
      kept.channel.attach(connection, peer.resumed, resumed(kept.channel.received))
      return
    }
    counts.welcomed++
    kept.token = peer.token
    kept.channel = new LastingChannel(() => {})
    connection.send(welcome(peer.token))
    kept.channel.attach(connection, 0)
  }
  const links = new SiteLinks({
    connect: async () => {
      if (kept.refuses !== undefined) throw new ProtocolError(kept.refuses, 'no')
      counts.connected++
      const link = memoryLink(memoryBlobs())
      void door(link.coordinator)
      return link.site
    },
    carrier: {
      exchange: async () => {
        throw new Error('the connection broke')
      },
      wait: async () => {},
      sha256: async (blob) => blob,
    },
    coordinator: coordinator.publicKey,
    context: { ...context, identity: site },
    isFinal: ({ code }) => code === 'ERR_UNKNOWN_SITE',
    pause: async () => {
      counts.paused++
    },
    resumed: () => counts.resumed++,
    ...way,
  })
  return { links, kept, counts, cut: () => kept.connection?.close() }
}

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20))

test('a link comes back over another connection, and what was said meanwhile arrives', async () => {
  const { links, kept, counts, cut } = await parties()
  const link = await links.next()
  await settled()
  cut()
  link.send(Uint8Array.of(1))
  kept.channel?.send(Uint8Array.of(2))
  await settled()
  expect(counts).toEqual({ connected: 2, paused: 1, resumed: 1, welcomed: 1 })
  expect([...((await link.frames[Symbol.asyncIterator]().next()).value ?? [])]).toEqual([2])
  expect([...((await kept.channel?.frames.next()) ?? [])]).toEqual([1])
})

test('where the coordinator no longer has the link, the one it gives instead is the next, without a further connection', async () => {
  const { links, kept, counts, cut } = await parties()
  const link = await links.next()
  await settled()
  kept.token = undefined
  cut()
  for await (const _ of link.frames) throw new Error('nothing was said')
  expect(link.ended()).toMatchObject({ code: 'ERR_LINK_LOST' })
  const next = await links.next()
  expect(counts).toEqual({ connected: 2, paused: 1, resumed: 0, welcomed: 2 })
  await settled()
  kept.channel?.send(Uint8Array.of(3))
  expect([...((await next.frames[Symbol.asyncIterator]().next()).value ?? [])]).toEqual([3])
})

test.each([
  ['nobody answers for a minute', 'ERR_UNREACHABLE', 8],
  ['the site is turned away', 'ERR_UNKNOWN_SITE', 1],
] as const)('where %s, the link has ended, and a transfer over it does', async (_, code, tries) => {
  const { links, kept, counts, cut } = await parties()
  const link = await links.next()
  await settled()
  kept.refuses = code
  cut()
  await settled()
  await expect(link.upload(Uint8Array.of(1), new Uint8Array(32))).rejects.toMatchObject({ code: 'ERR_LINK_LOST' })
  expect(link.ended()).toMatchObject({ code })
  expect(counts.paused).toBe(tries)
})

test('a transfer waits for as long as the link has no connection, however often it broke before', async () => {
  let broken = 0
  let back: () => void = () => {}
  const away = new Promise<void>((resolve) => {
    back = resolve
  })
  const { links, cut } = await parties({
    carrier: {
      exchange: async (_, { method }) => {
        if (broken++ < 4) throw new Error('the connection broke')
        const received = method === 'PUT' ? 1 : 0
        return { status: 200, body: new TextEncoder().encode(JSON.stringify({ received })) }
      },
      wait: async () => {},
      sha256: async (blob) => blob,
    },
    pause: () => away,
  })
  const link = await links.next()
  await settled()
  cut()
  await settled()
  const upload = link.upload(Uint8Array.of(1), new Uint8Array(32))
  await settled()
  expect(broken).toBe(1)
  back()
  await upload
  expect(broken).toBeGreaterThan(4)
})
