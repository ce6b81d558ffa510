import { expect, test } from 'vitest'
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
}) {
  const link = memoryLink(memoryBlobs())
  const { site, coordinator, pinned, known } = options
  const random = testRandom('nonces')
  const received = receive(link.coordinator, (key) => equalBytes(key, known), {
    identity: coordinator,
    verify,
    random,
  }).then(
    ({ identity, token }) => {
      link.coordinator.send(welcome(token))
      return identity
    },
    (error: unknown) => {
      link.coordinator.close()
      throw error
    },
  )
  const greeted = greet(link.site, pinned, { identity: site, verify, random }).catch((error: unknown) => {
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
  expect(received).toEqual({ status: 'fulfilled', value: site.publicKey })
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
