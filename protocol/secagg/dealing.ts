/** Dealing: a site's one-time secrets as sealed Shamir shares for its peers, and the shares it holds of theirs. */

import nacl from 'tweetnacl'
import { concat, equalBytes, Writer } from '../bytes.ts'
import { split } from '../crypto/shamir.ts'
import type { Random } from '../random.ts'
import { type Group, pointOf } from './groups.ts'
import { sealKey, shareCommits } from './masks.ts'
import type { Bundle, RoundStart, SealedShare, SessionKey } from './messages.ts'
import { bodies } from './signing.ts'
import { type Guard, refused, signedByMember } from './walls.ts'

const { secretbox } = nacl

/** A peer whose session key was checked, with the keys that seal what goes between the two. */
export interface Peer {
  readonly index: number
  readonly key: Uint8Array
  readonly outgoing: Uint8Array
  readonly incoming: Uint8Array
}

/** One end of all channels of a session. */
export interface End extends Guard {
  readonly random: Random
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

export interface Deal {
  readonly attempt: number
  readonly group: Group
  /** Of the members that are dealt to, in ascending order. */
  readonly keys: readonly SessionKey[]
  readonly maskSecret: Uint8Array
  readonly selfSecret: Uint8Array
}

/** Shares of both secrets: the site's own, and one sealed for each member whose key is given. */
export async function deal(
  end: End,
  peers: ReadonlyMap<number, Peer>,
  { attempt, group, keys, maskSecret, selfSecret }: Deal,
): Promise<{ readonly own: Uint8Array; readonly shares: Bundle['shares'] }> {
  const both = concat(maskSecret, selfSecret)
  const points = [end.index, ...keys.map(({ index }) => index)].map((member) => pointOf(group, member))
  const [own, ...dealt] = split(both, { threshold: group.thresholds.threshold, points, random: end.random })
  both.fill(0)
  const shares = await Promise.all(
    dealt.flatMap(({ bytes }, i) => {
      const peer = peers.get(keys[i].index)
      return peer === undefined ? [] : [sealShare(end, { peer, attempt, share: bytes })]
    }),
  )
  for (const { bytes } of dealt) bytes.fill(0)
  return { own: own.bytes, shares }
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

export interface OpenedShares {
  /** By dealer. */
  readonly held: readonly [number, Uint8Array][]
  /** Dealers whose share does not open, or is not what they committed to. */
  readonly unopened: readonly number[]
  readonly peers: ReadonlyMap<number, Peer>
}

/** The shares of a round's start. @throws ProtocolError ERR_NOT_A_MEMBER where one comes from outside of it. */
export async function openShares(
  end: End,
  known: ReadonlyMap<number, Peer>,
  { attempt, members, sealed, peers: keys }: RoundStart,
): Promise<OpenedShares> {
  const inRound = new Set(members.map(({ index }) => index))
  const inIt = keys.filter(({ index }) => inRound.has(index))
  const peers = await agreeWith(end, known, inIt)
  const held: [number, Uint8Array][] = []
  const unopened: number[] = []
  for (const given of sealed) {
    const peer = peers.get(given.peer)
    if (peer === undefined || !inRound.has(given.peer))
      throw refused('ERR_NOT_A_MEMBER', `a share came from ${given.peer}, who is not in the round`)
    const share = await openShare(end, { peer, attempt, given })
    if (share === undefined) unopened.push(given.peer)
    else held.push([given.peer, share])
  }
  return { held, unopened, peers }
}
