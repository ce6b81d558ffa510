/** A site in a run: it checks every step against what it pinned and computed itself, and contributes only masked sums. */

import type { Algorithm, SumRequest } from '../algorithm.ts'
import { equalBytes, toHex } from '../bytes.ts'
import type { CryptoProvider, RingVector } from '../crypto/provider.ts'
import { errorCode, InputError, ProtocolError, SiteRefusal, unreachable } from '../errors.ts'
import { type Plan, planHash } from '../plan.ts'
import type { PrivacyEvent } from '../privacy/event.ts'
import type { Charge } from '../privacy/ledger.ts'
import type { Unit } from '../privacy/mechanism.ts'
import type { Random } from '../random.ts'
import * as client from '../secagg/client.ts'
import type { Mode } from '../secagg/formation.ts'
import {
  decodeSecure,
  encodeSecure,
  encodeSessionKey,
  type RoundStart,
  type SessionKey,
  type ToCoordinator,
  type ToSite,
} from '../secagg/messages.ts'
import type { AnswerLog } from '../secagg/record.ts'
import { openSession } from '../secagg/session.ts'
import { Stream } from '../stream.ts'
import { decode, encode } from '../vector/encoding.ts'
import { packVector, unpackVector } from '../vector/packing.ts'
import { attemptOf, roundOf } from '../wire/attempts.ts'
import type { SiteLink } from '../wire/channel.ts'
import type { Identity } from '../wire/handshake.ts'
import { limits } from '../wire/limits.ts'
import { decodeMessage, encodeMessage, type Message, type RosterEntry, type RoundEnd } from '../wire/messages.ts'
import { checkOffer, type Offer } from '../wire/offer.ts'
import { type Contents, contentsOf, type Receipt } from './receipt.ts'

/** What the site's shell lends the participant. */
export interface SiteShell<State, Site> {
  readonly name: string
  readonly identity: Identity
  /** The coordinator's pinned key, and the pinned roster in the order of its keys. */
  readonly coordinator: Uint8Array
  readonly roster: readonly RosterEntry[]
  readonly provider: CryptoProvider
  readonly random: Random
  readonly log: AnswerLog
  /** Opens an offered plan: policy first, then the data and their check. @throws InputError when it is declined. */
  readonly open: (planText: Uint8Array) => Promise<Opened<State, Site>>
  /** Runs long work, calling `beat` now and then, so that the coordinator knows this site is alive. */
  readonly during: <T>(work: Promise<T>, beat: () => void) => Promise<T>
  /** Enters what a contribution costs into the site's ledger, durably, before it leaves. @throws SiteRefusal */
  readonly charge: (charge: Charge) => Promise<void>
  /** Kept durably before the contribution leaves. */
  readonly keepReceipt: (receipt: Receipt) => Promise<void>
  readonly report: (event: SiteEvent) => void
}

export interface Opened<State, Site> {
  readonly plan: Plan
  readonly algorithm: Algorithm<State, Site>
  readonly site: Site
  /** The plan's noise share, in place on the encoded vector. */
  readonly noiseShare: (vector: RingVector, request: SumRequest, random: Random) => void
  /** Whose presence the plan's noise hides. */
  readonly unit: Unit | undefined
  /** What answering a request costs one of them. */
  readonly cost: (request: SumRequest) => readonly PrivacyEvent[]
}

export type SiteEvent =
  | {
      readonly type: 'joined'
      readonly plan: string
      readonly mode: Mode
      /** Fewest honest contributions in any sum that can be opened. */
      readonly honest: number
    }
  | { readonly type: 'declined'; readonly code: string; readonly reason: string }
  | { readonly type: 'contributing'; readonly round: number; readonly purpose: string }
  | { readonly type: 'contributed'; readonly round: number; readonly bytes: number }
  | { readonly type: 'refused'; readonly code: string; readonly reason: string }
  | {
      readonly type: 'committed'
      readonly round: number
      readonly sites: number
      readonly metrics: Readonly<Record<string, number>>
    }
  | { readonly type: 'finished'; readonly code: string; readonly reason: string; readonly result: unknown }

/** A run this site has joined. Kept when the link is lost, so that the same process takes it up again. */
interface Membership<State, Site> extends Opened<State, Site> {
  readonly party: client.Party
  readonly sessionKey: SessionKey
  secure: client.ClientState
  peers: readonly SessionKey[]
  state: State
  stateHash: Uint8Array
  /** The round that starts from `state`, as far as this site followed the run. */
  round: number
  /** What was contributed to a state: said again, number by number, when its round is tried again. */
  said: Said | undefined
}

interface Said {
  readonly stateHash: Uint8Array
  readonly encoded: RingVector
  readonly contents: Contents
}

export interface Participant {
  /** Takes part until the run ends or the link is lost (`undefined`). @throws ProtocolError when the coordinator turns this site away. */
  serve(link: SiteLink): Promise<Finish | undefined>
}

export interface Finish {
  readonly code: string
  readonly reason: string
}

export function createParticipant<State, Site>(shell: SiteShell<State, Site>): Participant {
  let membership: Membership<State, Site> | undefined

  const answer = async (link: SiteLink, message: Message): Promise<Finish | undefined> => {
    switch (message.type) {
      case 'offer':
        membership = await takeOffer(shell, link, { offer: message, before: membership })
        return undefined
      case 'secure':
        if (membership !== undefined) await takeSecure(shell, link, { membership, message: decodeSecure(message.body) })
        return undefined
      case 'round-end':
        if (membership !== undefined) await takeRoundEnd(shell, link, { membership, message })
        return undefined
      case 'abort':
        if (message.attempt === 0) throw new ProtocolError(errorCode(message.code), message.reason)
        if (membership !== undefined) membership.secure = client.close(membership.secure, message.attempt)
        return undefined
      case 'finish':
        if (membership !== undefined) {
          const { algorithm, state } = membership
          shell.report({
            type: 'finished',
            code: message.code,
            reason: message.reason,
            result: algorithm.result(state),
          })
          client.leave(membership.secure)
          membership = undefined
        }
        return { code: message.code, reason: message.reason }
      case 'hello':
      case 'challenge':
      case 'proof':
      case 'welcome':
      case 'join':
      case 'decline':
      case 'progress':
        throw new ProtocolError('ERR_UNEXPECTED_MESSAGE', `a site does not expect ${message.type} here`, 'coordinator')
      default:
        return unreachable(message)
    }
  }

  return {
    serve: async (link) => {
      for await (const frame of link.frames) {
        const finish = await answer(link, decodeMessage(frame))
        if (finish !== undefined) return finish
      }
      return undefined
    },
  }
}

interface Offered<State, Site> {
  readonly offer: Offer
  readonly before: Membership<State, Site> | undefined
}

async function takeOffer<State, Site>(
  shell: SiteShell<State, Site>,
  link: SiteLink,
  { offer, before }: Offered<State, Site>,
): Promise<Membership<State, Site> | undefined> {
  try {
    await checkOffer(shell.provider, offer, shell)
    const membership = await joinRun(shell, offer, before)
    link.send(encodeMessage({ type: 'join', sessionKey: encodeSessionKey(membership.sessionKey) }))
    const { mode, honest } = membership.party.session.formation
    shell.report({ type: 'joined', plan: membership.plan.name, mode, honest })
    return membership
  } catch (error) {
    if (!(error instanceof InputError || error instanceof ProtocolError)) throw error
    link.send(encodeMessage({ type: 'decline', code: error.code, reason: publicReason(error) }))
    shell.report({ type: 'declined', code: error.code, reason: error.message })
    return undefined
  }
}

/** Data errors quote what stands in a row, refusals the site's budget; that stays at the site, the coordinator is told the code. */
const publicReason = (error: InputError | ProtocolError): string =>
  error instanceof InputError || error instanceof SiteRefusal
    ? `the site cannot take part (${error.code}); its own terminal says why`
    : error.message.slice(0, limits.reason / 4)

async function joinRun<State, Site>(
  shell: SiteShell<State, Site>,
  offer: Offer,
  before: Membership<State, Site> | undefined,
): Promise<Membership<State, Site>> {
  const { provider, random, identity, roster, coordinator, log } = shell
  const opened = await shell.open(offer.plan)
  const session = await openSession(provider, {
    planHash: planHash(opened.plan),
    roster,
    rules: opened.plan,
    nonce: offer.nonce,
    coordinator,
  })
  if (before !== undefined && equalBytes(before.party.session.id, session.id)) return before
  const index = roster.findIndex((entry) => equalBytes(entry.identity, identity.publicKey))
  if (index < 0)
    throw new InputError('ERR_NOT_IN_ROSTER', `expected this site's key ${toHex(identity.publicKey)} in the roster`)
  const party: client.Party = { provider, random, session, index, sign: identity.sign, log }
  const { state: secure, answer: sessionKey } = await client.join(party)
  const state = opened.algorithm.init()
  return {
    ...opened,
    party,
    sessionKey,
    secure,
    peers: [],
    state,
    stateHash: await provider.sha256(opened.algorithm.encode(state)),
    round: 0,
    said: undefined,
  }
}

interface Secured<State, Site, M> {
  readonly membership: Membership<State, Site>
  readonly message: M
}

/** A broken rule ends this site's part in the round, never the site; nothing unmasked has left. */
async function takeSecure<State, Site>(
  shell: SiteShell<State, Site>,
  link: SiteLink,
  { membership, message }: Secured<State, Site, ToSite | ToCoordinator>,
): Promise<void> {
  try {
    const reply = await answerSecure(shell, link, { membership, message })
    if (reply !== undefined) link.send(encodeMessage({ type: 'secure', body: encodeSecure(reply) }))
  } catch (error) {
    if (!(error instanceof ProtocolError) || !('attempt' in message) || error.code === 'ERR_LINK_LOST') throw error
    shell.report({ type: 'refused', code: error.code, reason: error.message })
    link.send(
      encodeMessage({
        type: 'abort',
        attempt: message.attempt,
        code: error.code,
        reason: publicReason(error),
      }),
    )
  }
}

async function answerSecure<State, Site>(
  shell: SiteShell<State, Site>,
  link: SiteLink,
  { membership, message }: Secured<State, Site, ToSite | ToCoordinator>,
): Promise<ToCoordinator | undefined> {
  const { party } = membership
  client.expects(party, membership.secure, message.type)
  switch (message.type) {
    case 'deposit-request': {
      membership.peers = message.peers
      const { state, answer } = await client.deposit(party, membership.secure, message)
      membership.secure = state
      return { type: 'deposit', bundle: answer }
    }
    case 'round-start':
      return contribute(shell, link, { membership, message })
    case 'sign-request': {
      const { state, answer } = await client.agree(party, membership.secure, message)
      membership.secure = state
      return answer
    }
    case 'unmask': {
      const { state, answer } = await client.reveal(party, membership.secure, message)
      membership.secure = state
      return answer
    }
    case 'deposit':
    case 'nack':
    case 'upload':
    case 'consistency':
    case 'reveal':
      throw new ProtocolError('ERR_UNEXPECTED_MESSAGE', `a site does not expect ${message.type}`, 'coordinator')
    default:
      return unreachable(message)
  }
}

async function contribute<State, Site>(
  shell: SiteShell<State, Site>,
  link: SiteLink,
  { membership, message }: Secured<State, Site, RoundStart>,
): Promise<ToCoordinator> {
  const { party } = membership
  const round = roundOf(message.attempt)
  // A site that missed rounds catches up; one that followed them all knows the state of this one.
  if (round > membership.round) await catchUp(membership, link, { round, stateHash: message.stateHash })
  membership.peers = message.peers
  const started = await client.start(party, membership.secure, message, membership.stateHash)
  membership.secure = started.state
  for (const complaint of started.answer) link.send(encodeMessage({ type: 'secure', body: encodeSecure(complaint) }))
  const beat = (): void => link.send(encodeMessage({ type: 'progress', attempt: message.attempt, done: 0 }))
  const request = requestOf(membership)
  const { encoded, contents } = await contributionTo(shell, membership, { round, beat })
  const vector = encoded.slice()
  membership.secure = await client.mask(party, membership.secure, vector)
  const bytes = packVector(vector, request)
  const hash = await party.provider.sha256(bytes)
  await shell.charge(chargeFor(membership, message.attempt, request))
  await shell.keepReceipt({ ...contents, bytes: bytes.length, sha256: toHex(hash) })
  const next = { hash, length: bytes.length, nextAttempt: attemptOf(round + 1, 0), peers: membership.peers }
  const { state, answer } = await client.upload(party, membership.secure, next)
  membership.secure = state
  await link.upload(bytes, hash)
  shell.report({ type: 'contributed', round, bytes: bytes.length })
  return answer
}

/** Computed once a state: two contributions to one state, with other noise or on other records, would tell more than one. */
async function contributionTo<State, Site>(
  shell: SiteShell<State, Site>,
  membership: Membership<State, Site>,
  { round, beat }: { readonly round: number; readonly beat: () => void },
): Promise<Said> {
  const { party, plan, algorithm, site, said, state, stateHash } = membership
  if (said !== undefined && equalBytes(said.stateHash, stateHash)) return said
  const request = requestOf(membership)
  shell.report({ type: 'contributing', round, purpose: request.purpose })
  const lanes = await shell.during(algorithm.contribute(state, request, site, round), beat)
  const coins = new Stream(`${plan.seed}/${shell.name}/${round}/rounding`)
  const encoded = encode(lanes, request, { sites: party.session.roster.length, coins })
  membership.noiseShare(encoded, request, party.random)
  const contents = contentsOf({ session: party.session.id, round, request, lanes })
  membership.said = { stateHash, encoded, contents }
  return membership.said
}

const chargeFor = <State, Site>(
  { party, plan, unit, cost }: Membership<State, Site>,
  attempt: number,
  request: SumRequest,
): Charge => ({
  session: toHex(party.session.id),
  plan: plan.name,
  attempt,
  purpose: request.purpose,
  unit: unit ?? null,
  events: cost(request),
})

/** A site that was away takes the state as published; its hash is what the masks of this round are bound to. */
async function catchUp<State, Site>(
  membership: Membership<State, Site>,
  link: SiteLink,
  { round, stateHash }: { readonly round: number; readonly stateHash: Uint8Array },
): Promise<void> {
  if (!equalBytes(stateHash, membership.stateHash)) {
    const bytes = await link.download(stateHash, limits.blob)
    membership.state = membership.algorithm.decode(bytes)
    membership.stateHash = await membership.party.provider.sha256(bytes)
  }
  membership.round = round
}

/** Recomputes the global step from the published sum: the coordinator's word is not taken for it. */
async function takeRoundEnd<State, Site>(
  shell: SiteShell<State, Site>,
  link: SiteLink,
  { membership, message }: Secured<State, Site, RoundEnd>,
): Promise<void> {
  const { party, algorithm } = membership
  membership.secure = client.commit(membership.secure, message.attempt)
  const request = algorithm.request(membership.state)
  if (request === undefined || !equalBytes(message.startHash, membership.stateHash)) return
  const bytes = await link.download(message.sumHash, message.sumLength)
  const sum = decode(unpackVector(bytes, request), request, party.session.roster.length)
  const state = algorithm.apply(membership.state, request, sum, message.survivors)
  const stateHash = await party.provider.sha256(algorithm.encode(state))
  if (!equalBytes(stateHash, message.stateHash)) {
    throw new ProtocolError(
      'ERR_STATE_MISMATCH',
      `the coordinator's state after round ${roundOf(message.attempt)} does not follow from the published sum`,
      'coordinator',
    )
  }
  membership.state = state
  membership.stateHash = stateHash
  membership.round = roundOf(message.attempt) + 1
  membership.said = undefined
  shell.report({
    type: 'committed',
    round: roundOf(message.attempt),
    sites: message.survivors,
    metrics: algorithm.metrics(state),
  })
}

function requestOf<State, Site>({ algorithm, state }: Membership<State, Site>): SumRequest {
  const request = algorithm.request(state)
  if (request === undefined)
    throw new ProtocolError('ERR_UNEXPECTED_MESSAGE', 'the computation is complete, no round is left', 'coordinator')
  return request
}
