import { describe, expect, test } from 'vitest'
import { equalBytes, toHex } from '../../../protocol/bytes.ts'
import { nodeProvider as provider } from '../../../protocol/crypto/node/provider.ts'
import type { Channel } from '../../../protocol/wire/channel.ts'
import { greet, type Identity, receive, resumed, welcome } from '../../../protocol/wire/handshake.ts'
import { memoryBlobs, memoryLink } from '../../../protocol/wire/memory-channel.ts'
import { testRandom } from '../../support/secure-round.ts'

const identityOf = async (name: string): Promise<Identity> => {
  const seed = testRandom(name).bytes(32)
  return { publicKey: await provider.ed25519PublicKey(seed), sign: (message) => provider.ed25519Sign(seed, message) }
}
const verify = provider.ed25519Verify

/** Both sides of a handshake; `pinned` is the key the site was told to expect, `known` the key the coordinator has. */
async function handshake(options: {
  readonly site: Identity
  readonly coordinator: Identity
  readonly pinned: Uint8Array
  readonly known: Uint8Array
  /** The versions each side speaks. */
  readonly speaks?: { readonly site?: readonly number[]; readonly coordinator?: readonly number[] }
  /** What the site says it runs on. */
  readonly agent?: string
}) {
  const link = memoryLink(memoryBlobs())
  const { site, coordinator, pinned, known, speaks = {}, agent } = options
  const random = testRandom('nonces')
  const isKnown = { isSite: (key: Uint8Array) => equalBytes(key, known), tokenOf: () => undefined }
  const received = receive(link.coordinator, isKnown, {
    ...{ identity: coordinator, verify, random },
    ...(speaks.coordinator && { versions: speaks.coordinator }),
  }).then(
    ({ identity, token, version, agent: told }) => {
      link.coordinator.send(welcome(token))
      return { identity, version, ...(told !== undefined && { agent: told }) }
    },
    (error: unknown) => {
      link.coordinator.close()
      throw error
    },
  )
  const versions = { ...(speaks.site && { versions: speaks.site }), ...(agent !== undefined && { agent }) }
  const greeted = greet(link.site, pinned, { identity: site, verify, random, ...versions }).catch((error: unknown) => {
    link.site.close()
    throw error
  })
  return Promise.allSettled([greeted, received])
}

test('each side proves its key to the other', async () => {
  const [site, coordinator] = [await identityOf('site'), await identityOf('coordinator')]
  const [greeted, received] = await handshake({
    ...{ site, coordinator },
    ...{ pinned: coordinator.publicKey, known: site.publicKey },
  })
  expect(greeted).toMatchObject({ status: 'fulfilled' })
  expect(received).toEqual({ status: 'fulfilled', value: { identity: site.publicKey, version: 3 } })
})

test('a site says what it runs on from version 3 on, in printable characters and few of them', async () => {
  const [site, coordinator] = [await identityOf('site'), await identityOf('coordinator')]
  const parties = { site, coordinator, pinned: coordinator.publicKey, known: site.publicKey }
  const agent = 'concordat 0.1.0, Node 20'
  const [, told] = await handshake({ ...parties, agent })
  expect(told).toMatchObject({ value: { agent, version: 3 } })
  const [, before] = await handshake({ ...parties, agent, speaks: { site: [2] } })
  expect(before).toEqual({ status: 'fulfilled', value: { identity: site.publicKey, version: 2 } })
  for (const wrong of ['', 'a\u001b[2J', 'x'.repeat(65), 'é']) {
    const [, refused] = await handshake({ ...parties, agent: wrong })
    expect(refused).toMatchObject({
      status: 'rejected',
      reason: { code: expect.stringMatching(/^ERR_FRAME|^ERR_LIMIT/) },
    })
  }
})

test('an impostor that shows the pinned key without holding it is not trusted', async () => {
  const [site, coordinator, impostor] = await Promise.all(['site', 'coordinator', 'impostor'].map(identityOf))
  const [greeted] = await handshake({
    site,
    coordinator: { publicKey: coordinator.publicKey, sign: impostor.sign },
    ...{ pinned: coordinator.publicKey, known: site.publicKey },
  })
  expect(greeted).toMatchObject({ status: 'rejected', reason: { code: 'ERR_UNTRUSTED_COORDINATOR' } })
})

test('a coordinator with another key than the pinned one is not trusted', async () => {
  const [site, coordinator, other] = await Promise.all(['site', 'coordinator', 'other'].map(identityOf))
  const [greeted] = await handshake({ site, coordinator, pinned: other.publicKey, known: site.publicKey })
  expect(greeted).toMatchObject({ status: 'rejected', reason: { code: 'ERR_UNTRUSTED_COORDINATOR' } })
})

test('a stranger that shows the key of a site without holding it is turned away', async () => {
  const [site, coordinator, stranger] = await Promise.all(['site', 'coordinator', 'stranger'].map(identityOf))
  const [, received] = await handshake({
    site: { publicKey: site.publicKey, sign: stranger.sign },
    coordinator,
    ...{ pinned: coordinator.publicKey, known: site.publicKey },
  })
  expect(received).toMatchObject({ status: 'rejected', reason: { code: 'ERR_UNKNOWN_SITE' } })
})

describe('the version of the wire', () => {
  const between = async (speaks: { readonly site: readonly number[]; readonly coordinator: readonly number[] }) => {
    const [site, coordinator] = [await identityOf('site'), await identityOf('coordinator')]
    return handshake({ site, coordinator, pinned: coordinator.publicKey, known: site.publicKey, speaks })
  }

  test.each([
    ['both of today', [2, 3], [2, 3], 3],
    ['a site one version older', [1, 2], [2, 3], 2],
    ['a coordinator one version older', [2, 3], [1, 2], 2],
  ])('%s: the newest that both speak', async (_, site, coordinator, version) => {
    const [greeted, received] = await between({ site, coordinator })
    expect(greeted).toMatchObject({ status: 'fulfilled', value: { version } })
    expect(received).toMatchObject({ status: 'fulfilled', value: { version } })
  })

  test.each([
    ['a site two versions older', [1], [2, 3], 'received', 'update the site'],
    ['a site two versions newer', [3, 4], [1, 2], 'greeted', 'update the coordinator'],
  ])('%s is told which side to update', async (_, site, coordinator, side, advice) => {
    const [greeted, received] = await between({ site, coordinator })
    const failed = side === 'greeted' ? greeted : received
    expect(failed).toMatchObject({
      status: 'rejected',
      reason: { code: 'ERR_VERSION', message: expect.stringContaining(advice) },
    })
  })

  test('a version that was changed on the way breaks the signatures', async () => {
    const [site, coordinator] = [await identityOf('site'), await identityOf('coordinator')]
    const link = memoryLink(memoryBlobs())
    const { send } = link.site
    // Whoever sits between them makes the site look one version newer than it is.
    const tampered = {
      ...link.site,
      send: (frame: Uint8Array) =>
        send(frame[0] === 1 ? Uint8Array.from(frame, (byte, i) => (i === 2 ? 4 : byte)) : frame),
    }
    const context = { verify, random: testRandom('nonces') }
    const received = receive(
      link.coordinator,
      { isSite: () => true, tokenOf: () => undefined },
      { ...context, identity: coordinator },
    ).catch(() => {})
    await expect(greet(tampered, coordinator.publicKey, { ...context, identity: site })).rejects.toMatchObject({
      code: 'ERR_UNTRUSTED_COORDINATOR',
    })
    link.site.close()
    await received
  })
})

describe('a link whose connection broke', () => {
  const version = 3

  /** A site that proves its key and claims a link, to a coordinator that keeps `kept`, by the site's key in hexadecimal. */
  async function comeBack(parts: {
    readonly site: Identity
    readonly kept: Readonly<Record<string, Uint8Array>>
    readonly broken: { readonly token: Uint8Array; readonly received: number }
    readonly shape?: (link: Channel) => Channel
    readonly speaks?: readonly number[]
  }) {
    const { site, kept, broken, shape = (link) => link, speaks } = parts
    const coordinator = await identityOf('coordinator')
    const link = memoryLink(memoryBlobs())
    const context = { verify, random: testRandom(`nonces of ${toHex(broken.token)}`) }
    const known = { isSite: () => true, tokenOf: (key: Uint8Array) => kept[toHex(key)] }
    const received = receive(link.coordinator, known, {
      ...{ ...context, identity: coordinator },
      ...(speaks && { versions: speaks }),
    })
      .then((peer) => {
        link.coordinator.send(peer.resumed === undefined ? welcome(peer.token) : resumed(40))
        return peer
      })
      .finally(() => link.coordinator.close())
    const greeted = greet(shape(link.site), coordinator.publicKey, { ...context, identity: site }, broken)
    return Promise.allSettled([greeted, received])
  }
  const token = testRandom('token').bytes(32)
  const fresh = (of: PromiseSettledResult<{ readonly token: Uint8Array; readonly resumed: number | undefined }>) =>
    of.status === 'fulfilled' && of.value.resumed === undefined && !equalBytes(of.value.token, token)

  test('goes on where both have its token and the site its key; each learns what the other has taken', async () => {
    const site = await identityOf('site')
    const kept = { [toHex(site.publicKey)]: token }
    const [greeted, received] = await comeBack({ site, kept, broken: { token, received: 7 } })
    expect(greeted).toEqual({ status: 'fulfilled', value: { version, token, resumed: 40 } })
    expect(received).toEqual({
      status: 'fulfilled',
      value: { identity: site.publicKey, version, token, resumed: 7 },
    })
  })

  test.each([
    ['another token', async (site: Identity) => ({ [toHex(site.publicKey)]: testRandom('another').bytes(32) })],
    ['the token of another site', async () => ({ [toHex((await identityOf('other')).publicKey)]: token })],
    ['a link that is gone', async () => ({})],
  ])('is not had with %s: the site begins anew, with a new token', async (_, keeps) => {
    const site = await identityOf('site')
    const [greeted, received] = await comeBack({ site, kept: await keeps(site), broken: { token, received: 7 } })
    expect([greeted, received].map(fresh)).toEqual([true, true])
  })

  test('is not had with a number of frames that was changed on the way', async () => {
    const site = await identityOf('site')
    const shape = (link: Channel): Channel => ({
      ...link,
      frames: link.frames,
      // The number stands behind tag and signature.
      send: (frame) => link.send(frame[0] === 5 ? Uint8Array.from(frame, (byte, i) => (i === 72 ? 9 : byte)) : frame),
    })
    const kept = { [toHex(site.publicKey)]: token }
    const [, received] = await comeBack({ site, kept, broken: { token, received: 7 }, shape })
    expect(fresh(received)).toBe(true)
  })

  test('is not had by saying again what its site has said: the nonces are others', async () => {
    const site = await identityOf('site')
    const kept = { [toHex(site.publicKey)]: token }
    let recorded: Uint8Array | undefined
    const shape = (link: Channel): Channel => ({
      ...link,
      frames: link.frames,
      send: (frame) => {
        if (frame[0] === 5) recorded ??= frame
        link.send(frame[0] === 5 && recorded !== undefined ? recorded : frame)
      },
    })
    const [first] = await comeBack({ site, kept, broken: { token, received: 7 }, shape })
    expect(first).toMatchObject({ status: 'fulfilled', value: { resumed: 40 } })
    const stranger = { publicKey: site.publicKey, sign: async () => new Uint8Array(64) }
    const random = testRandom('later').bytes(32)
    const [, again] = await comeBack({ site: stranger, kept, broken: { token: random, received: 7 }, shape })
    expect(again).toMatchObject({ status: 'rejected', reason: { code: 'ERR_UNKNOWN_SITE' } })
  })

  test('is nothing to a coordinator of the version before: the site proves its key and begins anew', async () => {
    const site = await identityOf('site')
    const kept = { [toHex(site.publicKey)]: token }
    const [greeted] = await comeBack({ site, kept, broken: { token, received: 7 }, speaks: [1, 2] })
    expect(greeted).toMatchObject({ status: 'fulfilled', value: { version: 2, resumed: undefined } })
  })
})
