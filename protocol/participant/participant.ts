/** A site in a run: it checks every step against what it pinned and computed itself, and contributes only masked sums. */

import { equalBytes, toHex } from '../bytes.ts'
import { errorCode, ProtocolError, unreachable } from '../errors.ts'
import { roundCost } from '../journal/budget.ts'
import * as client from '../secagg/client.ts'
import { decodeSecure, encodeSecure, type ToCoordinator, type ToSite } from '../secagg/messages.ts'
import { decode } from '../vector/encoding.ts'
import { unpackVector } from '../vector/packing.ts'
import { roundOf } from '../wire/attempts.ts'
import type { SiteLink } from '../wire/channel.ts'
import { decodeMessage, encodeMessage, type Message, type RoundEnd } from '../wire/messages.ts'
import { contribute } from './contributing.ts'
import { takeRecord } from './following.ts'
import { type Membership, publicReason, takeOffer } from './joining.ts'
import type { SiteShell } from './shell.ts'

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
      case 'record':
        if (membership !== undefined) await takeRecord(shell, link, { membership, message })
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
            session: toHex(membership.party.session.id),
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
      case 'resume':
      case 'resumed':
      case 'join':
      case 'decline':
      case 'withdraw':
      case 'countersign':
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
    link.send(encodeMessage({ type: 'abort', attempt: message.attempt, code: error.code, reason: publicReason(error) }))
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
  const sumHash = toHex(message.sumHash)
  membership.following.recomputed.set(message.attempt, { sumHash, stateHash: toHex(stateHash) })
  const cost = roundCost(membership.plan, membership, request)
  if (cost !== undefined) membership.following.costs.set(message.attempt, cost)
  await shell.book?.keepSum?.(toHex(party.session.id), sumHash, bytes)
  membership.said = undefined
  shell.report({
    type: 'committed',
    round: roundOf(message.attempt),
    sites: message.survivors,
    metrics: algorithm.metrics(state),
  })
}
