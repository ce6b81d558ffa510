/**
 * Taking the masks off: the self masks of survivors and the pair masks of drop-outs, out of the shares that were
 * revealed. Only what cancels is opened; whoever dealt or revealed something false is named.
 */

import { equalBytes } from '../bytes.ts'
import { decodeShares } from '../crypto/decoding.ts'
import type { CryptoProvider, Mask, RingVector } from '../crypto/provider.ts'
import { combine, type Share, weightsAtZero } from '../crypto/shamir.ts'
import { ProtocolError } from '../errors.ts'
import { pointOf } from './groups.ts'
import { pairSeed, pairSign, selfCommit, selfSeed, shareCommit } from './masks.ts'
import type { MemberKeys } from './messages.ts'
import { type Adder, type Deposited, membersOf, nameOf, type ServerRound } from './server.ts'

export interface Unmasked {
  readonly sum: RingVector
  /** Members whose false shares were found and left out. */
  readonly culprits: readonly Culprit[]
}

export interface Culprit {
  readonly index: number
  /** The revealer's shares are not those that were dealt to it; the dealer's lie on no one polynomial. */
  readonly as: 'revealer' | 'dealer'
}

/** Takes the masks off the sum, in place. @throws ProtocolError ERR_TOO_FEW_SHARES, ERR_BAD_SHARE: then nothing is learned. */
export async function unmask(adder: Adder, round: ServerRound): Promise<Unmasked> {
  const { threshold } = round.group.thresholds
  if (round.revealed.size < threshold)
    throw new ProtocolError('ERR_TOO_FEW_SHARES', `${threshold} sites must reveal shares, ${round.revealed.size} did`)
  const masks: Mask[] = []
  const culprits = new Map<string, Culprit>()
  const weights: Weights = new Map()
  for (const [index, deposited] of round.deposits) {
    const survived = round.survivors.includes(index)
    const opened = await openSecret(adder, round, { deposited, half: survived ? selfSeedHalf : maskKeyHalf, weights })
    for (const culprit of opened.culprits) culprits.set(`${culprit.as} ${culprit.index}`, culprit)
    if (survived) masks.push({ seed: await selfSeed(adder.provider, round.transcript, index, opened.secret), sign: -1 })
    else masks.push(...(await pairMasks(adder, round, { index, secret: opened.secret })))
    opened.secret.fill(0)
  }
  await adder.provider.addMasks(round.sum, masks)
  for (const { seed } of masks) seed.fill(0)
  return { sum: round.sum, culprits: [...culprits.values()] }
}

/** Which of both secrets is opened, and how one knows that it is the one that was committed to. */
interface Half {
  readonly kind: 0 | 1
  readonly opens: (provider: CryptoProvider, secret: Uint8Array, keys: MemberKeys) => Promise<boolean>
}

const maskKeyHalf: Half = {
  kind: 0,
  opens: async (provider, secret, keys) => equalBytes(await provider.x25519PublicKey(secret), keys.maskKey),
}

const selfSeedHalf: Half = {
  kind: 1,
  opens: async (provider, secret, keys) => equalBytes(await selfCommit(provider, secret), keys.selfCommit),
}

/** What a drop-out's peers added or subtracted for it is still in the sum: the opposite takes it out. */
function pairMasks(
  { provider }: Adder,
  round: ServerRound,
  { index, secret }: { readonly index: number; readonly secret: Uint8Array },
): Promise<Mask[]> {
  return Promise.all(
    membersOf(round.deposits)
      .filter((peer) => round.survivors.includes(peer.index))
      .map(async (peer): Promise<Mask> => {
        const pair = { self: index, secret, peer: peer.index, peerKey: peer.maskKey }
        const seed = await pairSeed(provider, round.transcript, pair)
        return { seed, sign: pairSign(peer.index, index) === 1 ? -1 : 1 }
      }),
  )
}

interface Opened {
  readonly secret: Uint8Array
  readonly culprits: readonly Culprit[]
}

interface Sought {
  readonly deposited: Deposited
  readonly half: Half
  readonly weights: Weights
}

interface Held {
  readonly from: number
  readonly share: Share
}

/**
 * From the first shares there are. Where they open something else, the revealers whose shares are not the committed ones
 * are left out; and where those that are left lie on no one polynomial, the dealer's false ones are corrected by decoding.
 */
async function openSecret(adder: Adder, round: ServerRound, { deposited, half, weights }: Sought): Promise<Opened> {
  const { provider } = adder
  const { keys } = deposited
  const { threshold } = round.group.thresholds
  const name = nameOf(adder, keys.index)
  const held = sharesOf(round, keys.index)
  if (held.length < threshold)
    throw new ProtocolError('ERR_TOO_FEW_SHARES', `${name} needs ${threshold} shares, ${held.length} came`)
  const first = held.slice(0, threshold).map(({ share }) => share)
  const secret = combine(first, weightsOf(weights, first))
  if (await half.opens(provider, secret, keys)) return { secret, culprits: [] }
  const kept = await keptShares(adder, round, { deposited, half, held })
  const liars = held.filter((one) => !kept.includes(one))
  const culprits = liars.map(({ from }): Culprit => ({ index: from, as: 'revealer' }))
  if (kept.length < threshold)
    throw new ProtocolError(
      'ERR_BAD_SHARE',
      `${liars.length} shares of ${name} are not those that were dealt, ${kept.length} are left of ${threshold} needed`,
      nameOf(adder, liars[0].from),
    )
  const shares = kept.map(({ share }) => share)
  const honest = combine(shares.slice(0, threshold))
  if (await half.opens(provider, honest, keys)) return { secret: honest, culprits }
  const decoded = decodeShares(shares, threshold)
  if (decoded !== undefined && (await half.opens(provider, decoded.secret, keys)))
    return { secret: decoded.secret, culprits: [...culprits, { index: keys.index, as: 'dealer' }] }
  throw new ProtocolError('ERR_BAD_SHARE', `the shares that ${name} dealt do not open what it committed to`, name)
}

/** The dealer's own share last: nobody else has seen a commitment to it. */
function sharesOf({ revealed, group }: ServerRound, of: number): Held[] {
  const held = [...revealed].flatMap(([from, { shares }]) => {
    const found = shares.find((share) => share.of === of)
    return found === undefined ? [] : [{ from, share: { x: pointOf(group, from), bytes: found.share } }]
  })
  return [...held.filter(({ from }) => from !== of), ...held.filter(({ from }) => from === of)]
}

/** Lagrange's coefficients by points: most secrets are opened by the same ones. */
type Weights = Map<string, number[]>

function weightsOf(known: Weights, shares: readonly Share[]): number[] {
  const points = shares.map(({ x }) => x)
  const weights = known.get(points.join()) ?? weightsAtZero(points)
  known.set(points.join(), weights)
  return weights
}

interface Suspected extends Omit<Sought, 'weights'> {
  readonly held: readonly Held[]
}

/** Shares whose commitment stands in the dealer's signed bundle; the dealer's own has none there and is taken as it is. */
async function keptShares(
  { provider, session }: Adder,
  { attempt }: ServerRound,
  { deposited, half, held }: Suspected,
): Promise<readonly Held[]> {
  const { bundle } = deposited
  const isKept = async ({ from, share }: Held): Promise<boolean> => {
    if (from === bundle.index) return true
    const commits = bundle.shares.find((sealed) => sealed.peer === from)?.commits
    const dealt = { attempt, from: bundle.index, to: from, kind: half.kind, half: share.bytes }
    const found = await shareCommit(provider, session.id, dealt)
    return commits !== undefined && equalBytes(found, commits.subarray(32 * half.kind, 32 * half.kind + 32))
  }
  const kept = await Promise.all(held.map(isKept))
  return held.filter((_, i) => kept[i])
}
