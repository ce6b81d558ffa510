/** Dealing: a site's one-time secrets as sealed Shamir shares for its peers, and the shares it holds of theirs. */

import nacl from 'tweetnacl'
import { concat, equalBytes, Writer } from '../bytes.ts'
import type { CryptoProvider } from '../crypto/provider.ts'
import type { Random } from '../random.ts'
import { sealKey, shareCommits } from './masks.ts'
import type { SealedShare, SessionKey } from './messages.ts'
import { bodies } from './signing.ts'
import { signedByMember } from './walls.ts'

const { secretbox } = nacl

/** A peer whose session key was checked, with the keys that seal what goes between the two. */
export interface Peer {
  readonly index: number
  readonly key: Uint8Array
  readonly outgoing: Uint8Array
  readonly incoming: Uint8Array
}

/** One end of all channels of a session. */
export interface End {
  readonly provider: CryptoProvider
  readonly random: Random
  readonly session: Parameters<typeof signedByMember>[0]['session']
  readonly index: number
  /** X25519 secret of the session. */
  readonly secret: Uint8Array
}

/** Peers by index. A key that was checked before is not checked, nor agreed on, again. */
export async function agreeWith(
  end: End,
  known: ReadonlyMap<number, Peer>,
  keys: readonly SessionKey[],
): Promise<ReadonlyMap<number, Peer>> {
  const fresh = keys.filter(({ index, key }) => {
    const before = known.get(index)
    return index !== end.index && (before === undefined || !equalBytes(before.key, key))
  })
  const agreed = await Promise.all(fresh.map((key) => agree(end, key)))
  return new Map([...known, ...agreed.map((peer): [number, Peer] => [peer.index, peer])])
}

async function agree(end: End, { index, key, signature }: SessionKey): Promise<Peer> {
  const { provider, session } = end
  await signedByMember(end, index, {
    kind: 'sessionKey',
    body: bodies.sessionKey(session.id, { index, key }),
    signature,
  })
  const shared = await provider.x25519(end.secret, key)
  const outgoing = await sealKey(provider, session.id, { from: end.index, to: index, shared })
  const incoming = await sealKey(provider, session.id, { from: index, to: end.index, shared })
  shared.fill(0)
  return { index, key, outgoing, incoming }
}

/** A share as it travels: nonce, then attempt and share under the key of this direction. */
export async function sealShare(
  end: End,
  { peer, attempt, share }: { readonly peer: Peer; readonly attempt: number; readonly share: Uint8Array },
): Promise<SealedShare> {
  const nonce = end.random.bytes(24)
  const plain = new Writer().uint64(attempt).raw(share).finish()
  const sealed = concat(nonce, secretbox(plain, nonce, peer.outgoing))
  plain.fill(0)
  const dealt = { attempt, from: end.index, to: peer.index, share }
  const commits = await shareCommits(end.provider, end.session.id, dealt)
  return { peer: peer.index, key: peer.key, sealed, commits }
}

/** The share, or `undefined` where it cannot be opened, is of another attempt, or is not the one that was committed to. */
export async function openShare(
  end: End,
  { peer, attempt, given }: { readonly peer: Peer; readonly attempt: number; readonly given: SealedShare },
): Promise<Uint8Array | undefined> {
  const plain = secretbox.open(given.sealed.subarray(24), given.sealed.subarray(0, 24), peer.incoming)
  if (plain === null || !equalBytes(plain.subarray(0, 8), new Writer().uint64(attempt).finish())) return undefined
  const share = plain.slice(8)
  plain.fill(0)
  const dealt = { attempt, from: peer.index, to: end.index, share }
  const commits = await shareCommits(end.provider, end.session.id, dealt)
  return equalBytes(commits, given.commits) ? share : undefined
}
