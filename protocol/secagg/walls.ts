/**
 * The walls of a site: what a coordinator may not ask, one function a wall. Each is put to the test twice: a coordinator
 * that runs into it, and a copy of this file without it, for which the test must fail (test/protocol/secagg/mutation.test.ts).
 */

import { equalBytes } from '../bytes.ts'
import type { CryptoProvider } from '../crypto/provider.ts'
import { type ErrorCode, ProtocolError } from '../errors.ts'
import type { Group } from './groups.ts'
import { bundleHash } from './masks.ts'
import type { MemberKeys, Unmask } from './messages.ts'
import { type AnswerRecord, isEarlier } from './record.ts'
import type { Session } from './session.ts'
import { bodies, type SignatureKind, signedBytes } from './signing.ts'

/** Who checks, and against what it pinned. */
export interface Guard {
  readonly provider: CryptoProvider
  readonly session: Session
  /** The site's own position in the roster. */
  readonly index: number
}

export interface Signed {
  readonly kind: SignatureKind
  readonly body: Uint8Array
  readonly signature: Uint8Array
}

export async function signedByCoordinator({ provider, session }: Guard, signed: Signed): Promise<void> {
  const message = await signedBytes(provider, signed.kind, signed.body)
  if (!(await provider.ed25519Verify(session.coordinator, message, signed.signature)))
    throw refused('ERR_SIGNATURE', `the ${signed.kind} does not carry the coordinator's signature`)
}

export async function signedByMember({ provider, session }: Guard, index: number, signed: Signed): Promise<void> {
  const { identity, name } = session.roster[index]
  const message = await signedBytes(provider, signed.kind, signed.body)
  if (!(await provider.ed25519Verify(identity, message, signed.signature)))
    throw new ProtocolError('ERR_SIGNATURE', `the ${signed.kind} of ${name} does not carry its signature`, name)
}

/** One answer an attempt, also across a restart: the record is on the disk before an answer leaves. */
export function answeredOnce(record: AnswerRecord, attempt: number): void {
  if (attempt <= record.attempt)
    throw refused('ERR_REPLAY', `attempt ${attempt} is over, ${record.attempt} was answered`)
}

/** Masks are bound to the state: sites that were told different ones would sum to noise. */
export function sameState(computed: Uint8Array, announced: Uint8Array): void {
  if (!equalBytes(computed, announced))
    throw refused('ERR_STATE_MISMATCH', 'the round starts from a state that is not the one computed here')
}

/** A round goes on from the one this site took part in: else sites could be kept in two runs that know nothing of each other. */
export function goesOnFrom(last: Uint8Array | undefined, previous: readonly Uint8Array[]): void {
  if (last !== undefined && !previous.some((transcript) => equalBytes(transcript, last)))
    throw refused('ERR_CHAIN', 'the round does not go on from the last one this site was told the end of')
}

/** Two sums over one state differ by a few sites' data; a state from before the last is never summed again. */
export function notGoneBack(record: AnswerRecord, stateHash: Uint8Array): void {
  if (isEarlier(record, stateHash))
    throw refused('ERR_DIFFERENCING', 'shares for this state were revealed in an earlier round')
}

/** Distinct, in ascending order, and of the group that this site computed itself: no stranger, no double. */
export function inGroup({ members }: Group, indices: readonly number[]): void {
  for (const [i, index] of indices.entries()) {
    if (!members.includes(index) || (i > 0 && index <= indices[i - 1]))
      throw refused(
        'ERR_MEMBER_LIST',
        `expected distinct members of the group in ascending order, found ${indices.join(', ')}`,
      )
  }
}

export function enoughMembers({ thresholds }: Group, members: number): void {
  if (members < thresholds.minimum)
    throw refused('ERR_COHORT_TOO_SMALL', `a round needs ${thresholds.minimum} sites, ${members} are in it`)
}

/** The round holds what this site deposited and nothing in its name. */
export function holdsMyKeys({ index }: Guard, members: readonly MemberKeys[], maskKey: Uint8Array): void {
  const mine = members.find((member) => member.index === index)
  if (mine === undefined || !equalBytes(mine.maskKey, maskKey))
    throw refused('ERR_NOT_A_MEMBER', 'the round does not hold the keys deposited here')
}

/** A key that the coordinator knows the secret of would take the mask off: each member's is signed for this attempt. */
export async function keysAreSigned(guard: Guard, attempt: number, members: readonly MemberKeys[]): Promise<void> {
  const check = async (member: MemberKeys): Promise<void> => {
    const body = await bundleHash(guard.provider, guard.session.id, { ...member, attempt })
    await signedByMember(guard, member.index, { kind: 'bundle', body, signature: member.signature })
  }
  await Promise.all(members.map(check))
}

/** Two members with one key would have the same mask with this site, once added and once subtracted. */
export function keysAreDistinct(members: readonly MemberKeys[]): void {
  for (const [i, { index, maskKey }] of members.entries()) {
    const other = members.slice(0, i).find((earlier) => equalBytes(earlier.maskKey, maskKey))
    if (other !== undefined)
      throw refused('ERR_KEY_REUSED', `members ${other.index} and ${index} have the same mask key`)
  }
}

/** Over a state for which shares were revealed, this site says the same again or nothing. */
export function sameContribution(record: AnswerRecord, stateHash: Uint8Array, contribution: Uint8Array): void {
  const { revealed } = record
  if (revealed === undefined || !equalBytes(revealed.stateHash, stateHash)) return
  if (!equalBytes(revealed.contribution, contribution))
    throw refused('ERR_DIFFERENCING', 'shares for this state were revealed for another contribution of this site')
}

export function survivorsAreMembers(members: readonly MemberKeys[], survivors: readonly number[]): void {
  const known = new Set(members.map((member) => member.index))
  if (survivors.some((index) => !known.has(index)))
    throw refused('ERR_SURVIVORS_UNKNOWN', 'a survivor is not in the round')
}

/** Who has uploaded and is called a drop-out would have its mask key opened while its masked vector is known. */
export function iAmASurvivor({ index }: Guard, survivors: readonly number[]): void {
  if (!survivors.includes(index))
    throw refused('ERR_SURVIVORS_WITHOUT_ME', 'this site has uploaded and is not among the survivors')
}

export function enoughSurvivors({ thresholds }: Group, survivors: readonly number[]): void {
  if (survivors.length < thresholds.minimum)
    throw refused('ERR_TOO_FEW_SURVIVORS', `unmasking needs ${thresholds.minimum} sites, ${survivors.length} are left`)
}

/** Two sums over one state with other survivors would show the difference: one site's contribution. */
export function sameSurvivors(record: AnswerRecord, stateHash: Uint8Array, survivors: readonly number[]): void {
  const { revealed } = record
  if (
    revealed !== undefined &&
    equalBytes(revealed.stateHash, stateHash) &&
    !sameIndices(revealed.survivors, survivors)
  )
    throw refused('ERR_DIFFERENCING', 'shares for this state were revealed with other survivors')
}

export function asSigned(signed: readonly number[], survivors: readonly number[]): void {
  if (!sameIndices(survivors, signed))
    throw refused('ERR_SURVIVORS_CHANGED', 'the survivors are not those that were signed')
}

/** Strict mode: as many members as open a secret have signed the same survivors. Two such lists would share an honest signer. */
export async function certified(
  guard: Guard,
  { group, transcript, survivors }: Agreement,
  certificate: Unmask['certificate'],
): Promise<void> {
  const body = bodies.consistency(transcript, survivors)
  for (const { index, signature } of certificate) {
    inGroup(group, [index])
    await signedByMember(guard, index, { kind: 'consistency', body, signature })
  }
  const signers = new Set(certificate.map(({ index }) => index))
  const { threshold } = group.thresholds
  if (signers.size < threshold)
    throw refused('ERR_CERTIFICATE', `${threshold} sites must have signed the same survivors, ${signers.size} did`)
}

export interface Agreement {
  readonly group: Group
  readonly transcript: Uint8Array
  readonly survivors: readonly number[]
}

/** One share a member, of the kind its place in the one list says: of a survivor the self seed's, of a drop-out the mask key's. */
export const shareToReveal = (both: Uint8Array, survived: boolean): Uint8Array =>
  survived ? both.slice(32, 64) : both.slice(0, 32)

const sameIndices = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((index, i) => index === b[i])

export const refused = (code: ErrorCode, message: string): ProtocolError =>
  new ProtocolError(code, message, 'coordinator')
