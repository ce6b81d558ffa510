/** The runs a site takes part in: one participant each, kept when the link is lost, so that the process takes its runs up again. */

import { toHex } from '../protocol/bytes.ts'
import { ProtocolError } from '../protocol/errors.ts'
import type { Finish, Participant } from '../protocol/participant/participant.ts'
import type { AnswerLog } from '../protocol/secagg/record.ts'
import type { SiteLink } from '../protocol/wire/channel.ts'
import { decodeMessage } from '../protocol/wire/messages.ts'
import type { Offer } from '../protocol/wire/offer.ts'

/** Makes a session one run's own. @throws ProtocolError ERR_REPLAY where it is another's. */
export type Claim = (session: Uint8Array) => void

export interface RunOfSite {
  readonly claim: Claim
  /** The participant was opened with a roster that is not this run's: the next offer finds a new one. */
  readonly outdated: () => void
  /** What the run began with on this link; `undefined` where something else came first. */
  readonly offer: Offer | undefined
}

export class RunsOfSite {
  readonly #open: (run: RunOfSite) => Promise<Participant>
  readonly #participants = new Map<string, Promise<Participant>>()
  readonly #sessions = new Map<string, string>()

  constructor(open: (run: RunOfSite) => Promise<Participant>) {
    this.#open = open
  }

  /** Takes part in a run until it has ended or the link is lost (`undefined`). */
  async serve(run: string, link: SiteLink): Promise<Finish | undefined> {
    const frames = link.frames[Symbol.asyncIterator]()
    const first = await frames.next()
    if (first.done === true) return undefined
    const opening =
      this.#participants.get(run) ??
      this.#open({
        claim: (session) => this.#claim(run, session),
        outdated: () => this.#participants.delete(run),
        offer: offerIn(first.value),
      })
    this.#participants.set(run, opening)
    const finish = await (await opening).serve({ ...link, frames: resumed(first.value, frames) })
    if (finish !== undefined) this.#participants.delete(run)
    return finish
  }

  /** A session belongs to the run it was first offered as: offered as two, it could be answered twice. */
  #claim(run: string, session: Uint8Array): void {
    const key = toHex(session)
    const holder = this.#sessions.get(key) ?? run
    if (holder !== run)
      throw new ProtocolError('ERR_REPLAY', `this session was offered as run ${holder}`, 'coordinator')
    this.#sessions.set(key, holder)
  }
}

/** What was looked at, and then what comes. */
async function* resumed(first: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  yield first
  yield* { [Symbol.asyncIterator]: () => rest }
}

function offerIn(frame: Uint8Array): Offer | undefined {
  const message = decodeMessage(frame)
  return message.type === 'offer' ? message : undefined
}

/** An answer log whose record is read for the run that has claimed the session alone. */
export const claimed = (log: AnswerLog, claim: Claim): AnswerLog => ({
  load: (session) => {
    claim(session)
    return log.load(session)
  },
  commit: (record, session) => log.commit(record, session),
})
