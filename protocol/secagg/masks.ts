/** The key schedule: one-time keys and the transcript become the seeds of masks (SPEC.md, "Key schedule"). */

import { concat, utf8, Writer } from '../bytes.ts'
import type { CryptoProvider, Mask } from '../crypto/provider.ts'
import type { MemberKeys } from './messages.ts'
import { prefix, type Session, tagged } from './session.ts'

export const selfCommit = (provider: CryptoProvider, selfSecret: Uint8Array): Promise<Uint8Array> =>
  tagged(provider, 'b-commit', selfSecret)

export interface BundleParts {
  readonly attempt: number
  readonly index: number
  readonly maskKey: Uint8Array
  readonly selfCommit: Uint8Array
  /** SHA-256 over all sealed shares. The frozen vector of the design has none. */
  readonly sharesHash?: Uint8Array
}

export const bundleHash = (provider: CryptoProvider, session: Uint8Array, parts: BundleParts): Promise<Uint8Array> =>
  tagged(
    provider,
    'bundle',
    session,
    new Writer().uint64(parts.attempt).uint32(parts.index).raw(parts.maskKey).raw(parts.selfCommit).finish(),
    parts.sharesHash ?? new Uint8Array(0),
  )

/** R: binds the masks to session, attempt, state, plan and every member's keys. `members` ascending. */
export async function transcriptOf(
  provider: CryptoProvider,
  session: Pick<Session, 'id' | 'planHash'>,
  round: {
    readonly attempt: number
    readonly stateHash: Uint8Array
    readonly members: readonly Omit<MemberKeys, 'signature'>[]
  },
): Promise<Uint8Array> {
  const keys = await Promise.all(
    round.members.map(async (member) => {
      const hash = await bundleHash(provider, session.id, { ...member, attempt: round.attempt })
      return new Writer().uint32(member.index).raw(member.maskKey).raw(hash).finish()
    }),
  )
  const keysHash = await provider.sha256(concat(...keys))
  return tagged(
    provider,
    'round',
    session.id,
    new Writer().uint64(round.attempt).finish(),
    round.stateHash,
    session.planHash,
    keysHash,
  )
}

export const selfSeed = (
  provider: CryptoProvider,
  transcript: Uint8Array,
  index: number,
  selfSecret: Uint8Array,
): Promise<Uint8Array> => provider.hkdf(selfSecret, transcript, label('self', index), 32)

export async function pairSeed(
  provider: CryptoProvider,
  transcript: Uint8Array,
  pair: { readonly self: number; readonly secret: Uint8Array; readonly peer: number; readonly peerKey: Uint8Array },
): Promise<Uint8Array> {
  const shared = await provider.x25519(pair.secret, pair.peerKey)
  const seed = await provider.hkdf(
    shared,
    transcript,
    label('pair', Math.min(pair.self, pair.peer), Math.max(pair.self, pair.peer)),
    32,
  )
  shared.fill(0)
  return seed
}

/** The lower index adds the mask of a pair, the higher subtracts it. */
export const pairSign = (self: number, peer: number): Mask['sign'] => (self < peer ? 1 : -1)

/** The key that seals what `from` deals to `to`, out of the secret their session keys agree on. */
export const sealKey = (
  provider: CryptoProvider,
  session: Uint8Array,
  ends: { readonly from: number; readonly to: number; readonly shared: Uint8Array },
): Promise<Uint8Array> => provider.hkdf(ends.shared, session, label('enc', ends.from, ends.to), 32)

/** Which of both secrets a share is of: of the mask key's, or of the self seed's. */
const shareKinds = [0, 1] as const

/** Commitments to both halves of a share, so that dealer and revealer can be told apart. */
export async function shareCommits(
  provider: CryptoProvider,
  session: Uint8Array,
  dealt: { readonly attempt: number; readonly from: number; readonly to: number; readonly share: Uint8Array },
): Promise<Uint8Array> {
  const halves = shareKinds.map((kind) =>
    shareCommit(provider, session, { ...dealt, kind, half: dealt.share.subarray(32 * kind, 32 * kind + 32) }),
  )
  return concat(...(await Promise.all(halves)))
}

/** Shares are 256 bits of entropy each: their hash says nothing of them. */
export const shareCommit = (
  provider: CryptoProvider,
  session: Uint8Array,
  dealt: {
    readonly attempt: number
    readonly from: number
    readonly to: number
    readonly kind: (typeof shareKinds)[number]
    readonly half: Uint8Array
  },
): Promise<Uint8Array> =>
  tagged(
    provider,
    'sh',
    session,
    new Writer().uint64(dealt.attempt).uint32(dealt.from).uint32(dealt.to).uint8(dealt.kind).raw(dealt.half).finish(),
  )

const label = (tag: string, ...indices: readonly number[]): Uint8Array => {
  const to = new Writer().raw(utf8(`${prefix}${tag}`))
  for (const index of indices) to.uint32(index)
  return to.finish()
}
