import { describe, expect, test } from 'vitest'
import { equalBytes } from '../../../protocol/bytes.ts'
import { nodeProvider as provider } from '../../../protocol/crypto/node/provider.ts'
import { greet, type Identity, receive, welcome } from '../../../protocol/wire/handshake.ts'
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
}) {
  const link = memoryLink(memoryBlobs())
  const { site, coordinator, pinned, known, speaks = {} } = options
  const random = testRandom('nonces')
  const received = receive(link.coordinator, (key) => equalBytes(key, known), {
    ...{ identity: coordinator, verify, random },
    ...(speaks.coordinator && { versions: speaks.coordinator }),
  }).then(
    ({ identity, token, version }) => {
      link.coordinator.send(welcome(token))
      return { identity, version }
    },
    (error: unknown) => {
      link.coordinator.close()
      throw error
    },
  )
  const versions = speaks.site && { versions: speaks.site }
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
  expect(received).toEqual({ status: 'fulfilled', value: { identity: site.publicKey, version: 2 } })
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
    ['both of today', [1, 2], [1, 2], 2],
    ['a site one version older', [1], [1, 2], 1],
    ['a site that goes back to the version of an older coordinator', [1], [1], 1],
    ['a site one version newer', [2, 3], [1, 2], 2],
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
        send(frame[0] === 1 ? Uint8Array.from(frame, (byte, i) => (i === 2 ? 3 : byte)) : frame),
    }
    const context = { verify, random: testRandom('nonces') }
    const received = receive(link.coordinator, () => true, { ...context, identity: coordinator }).catch(() => {})
    await expect(greet(tampered, coordinator.publicKey, { ...context, identity: site })).rejects.toMatchObject({
      code: 'ERR_UNTRUSTED_COORDINATOR',
    })
    link.site.close()
    await received
  })
})
