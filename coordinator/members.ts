/** The members of a run as the coordinator sees them: who is connected, who was heard of when, and what they say. */

import { ProtocolError } from '../protocol/errors.ts'
import type { CoordinatorLink } from '../protocol/wire/channel.ts'
import { limits } from '../protocol/wire/limits.ts'
import { Mailbox } from '../protocol/wire/mailbox.ts'
import { decodeMessage, encodeMessage, type Message } from '../protocol/wire/messages.ts'
import type { Clock } from './clock.ts'
import { type Need, Pace, type StragglerRule } from './pace.ts'
import { givenUp, isHere, type Presence, type WaitingRules, waitsUntil } from './presence.ts'

export interface Member {
  /** Position in the roster. */
  readonly index: number
  readonly name: string
}

interface Connected extends Member, Presence {
  readonly link: CoordinatorLink
}

/** What the operator wants of a run that is under way: to rest after this round, or to end now. */
export type Wish = 'pause' | 'stop'

/** A wish that was heeded. */
export class Halted extends Error {
  readonly wish: Wish

  constructor(wish: Wish) {
    super(`the operator wished: ${wish}`)
    this.wish = wish
  }
}

/** What can happen to a run from outside. */
export type Happening =
  | { readonly type: 'wished' }
  | { readonly type: 'away' }
  | { readonly type: 'came'; readonly member: Member }
  | { readonly type: 'said'; readonly member: Member; readonly message: Message }
  | ({ readonly type: 'left' } & Absence)

/** Why a member took no part in a step. */
export interface Absence {
  readonly member: Member
  readonly code: string
  readonly reason: string
  /** Whether it broke a rule of the protocol, rather than being away. */
  readonly fault?: true
}

/** What a member said in a step: an answer that counts, that none will come, or something of no concern to it. */
export type Verdict = 'answered' | 'refused' | 'ignored'

export interface Step {
  /** Members whose answer the step waits for. */
  readonly awaits: Iterable<number>
  /** Which answers it cannot do without; where unset, none that is awaited. */
  readonly needs?: readonly Need[]
  /** Told once of members that the step cannot do without and that keep it waiting, though they are here. */
  readonly overdue?: (members: readonly Member[]) => void
  /** Looks at one message. A ProtocolError from it ends the link of that member and of nobody else. */
  readonly take: (member: Member, message: Message) => Promise<Verdict>
}

export interface Attendance {
  /** Milliseconds since the epoch; unset waits for as long as it takes. */
  readonly until: number | undefined
  readonly take: Step['take']
}

export interface MembersOptions extends Omit<WaitingRules, 'grace'>, Partial<Pick<WaitingRules, 'grace'>> {
  readonly clock: Clock
  /** When a member that is alive and does not answer is left behind; where unset, never. */
  readonly stragglers?: StragglerRule | undefined
}

export class Members {
  readonly #connected = new Map<number, Connected>()
  readonly #happenings = new Mailbox<Happening>()
  readonly #clock: Clock
  readonly #rules: WaitingRules
  readonly #stragglers: StragglerRule | undefined
  #greet: (member: Member) => void = () => {}
  #wish: Wish | undefined

  constructor({ clock, patience, grace = 0, stragglers }: MembersOptions) {
    this.#clock = clock
    this.#rules = { patience, grace }
    this.#stragglers = stragglers
  }

  /** What is said to every member whose link is there and to every one that comes. */
  onCame(greet: (member: Member) => void): void {
    this.#greet = greet
    for (const member of this.#connected.values()) greet(member)
  }

  /** Ends the waiting for members, at once or, for a pause, where no round is under way. */
  halt(wish: Wish): void {
    this.#wish = wish
    this.#happenings.put({ type: 'wished' })
  }

  /** Called where a run may rest. @throws Halted */
  heed(): void {
    if (this.#wish !== undefined) throw new Halted(this.#wish)
  }

  /** Members that are here, or have been away for no longer than the grace. */
  get connected(): readonly Member[] {
    const now = this.#clock.now()
    const here = [...this.#connected.values()].filter((member) => isHere(member, this.#rules, now))
    return here.sort((a, b) => a.index - b.index)
  }

  has(index: number): boolean {
    return this.#connected.has(index)
  }

  link(index: number): CoordinatorLink | undefined {
    return this.#connected.get(index)?.link
  }

  /** A member has proved its identity on a new link; an older link of the same member ends. */
  connect(member: Member, link: CoordinatorLink): void {
    this.drop(member, 'ERR_REPLACED', 'the member connected anew')
    const connected: Connected = { ...member, link, lastHeard: this.#clock.now(), lastMoved: 0, away: undefined }
    this.#connected.set(member.index, connected)
    this.#greet(member)
    this.#happenings.put({ type: 'came', member })
    void this.#listen(connected)
  }

  /** A member is alive: a frame came. */
  heard(index: number): void {
    const connected = this.#connected.get(index)
    if (connected !== undefined) connected.lastHeard = this.#clock.now()
  }

  /** Bytes of an upload are coming in from a member. */
  moved(index: number): void {
    const connected = this.#connected.get(index)
    if (connected !== undefined) connected.lastHeard = connected.lastMoved = this.#clock.now()
  }

  /** The connection under a member's link is lost; what is said to it waits for the next one. */
  away(index: number): void {
    const connected = this.#connected.get(index)
    if (connected === undefined) return
    connected.away = this.#clock.now()
    this.#happenings.put({ type: 'away' })
  }

  /** The link of a member has a connection again. */
  back(index: number): void {
    const connected = this.#connected.get(index)
    if (connected === undefined) return
    connected.away = undefined
    connected.lastHeard = this.#clock.now()
    this.#happenings.put({ type: 'came', member: connected })
  }

  send(index: number, message: Message): void {
    this.#connected.get(index)?.link.send(encodeMessage(message))
  }

  broadcast(message: Message): void {
    const frame = encodeMessage(message)
    for (const { link } of this.#connected.values()) link.send(frame)
  }

  drop(member: Member, code: string, reason: string, fault?: true): void {
    const connected = this.#connected.get(member.index)
    if (connected === undefined) return
    this.#connected.delete(member.index)
    connected.link.send(encodeMessage({ type: 'abort', attempt: 0, code, reason: reason.slice(0, limits.reason) }))
    connected.link.close()
    this.#happenings.put({ type: 'left', member, code, reason, ...(fault && { fault }) })
  }

  closeAll(code: string, reason: string): void {
    for (const member of [...this.#connected.values()]) this.drop(member, code, reason)
  }

  /** Waits for answers: until all that are awaited have answered, left, gone silent or been left behind. Returns who did not and why. */
  async gather(step: Step): Promise<readonly Absence[]> {
    const waiting = new Set<number>()
    const absent: Absence[] = []
    for (const index of step.awaits) if (this.has(index)) waiting.add(index)
    const pace = new Pace({
      ...{ rule: step.needs && this.#stragglers, began: this.#clock.now() },
      ...{ awaited: waiting, needs: step.needs ?? [] },
    })
    let told = step.overdue === undefined
    while (waiting.size > 0) {
      if (this.#wish === 'stop') throw new Halted('stop')
      const overdue = told ? Number.POSITIVE_INFINITY : (pace.overdue ?? Number.POSITIVE_INFINITY)
      const happening = await this.#next(waiting, pace, overdue)
      if (happening === undefined) {
        absent.push(...this.#giveUp(waiting, pace))
        if (overdue <= this.#clock.now()) {
          step.overdue?.(this.#presences(waiting))
          told = true
        }
      } else if (happening.type === 'left') {
        const { index } = happening.member
        pace.gone(index)
        if (waiting.delete(index) || happening.fault) absent.push(happening)
      } else if (happening.type === 'said') {
        const { index } = happening.member
        const verdict = await this.#judge(step.take, happening.member, happening.message)
        if (verdict !== 'ignored') waiting.delete(index)
        if (verdict === 'answered') pace.answered(index, this.#clock.now())
        if (verdict === 'refused') pace.gone(index)
      }
    }
    return absent
  }

  /** Waits for anything to happen, at most until the time `until`; what is said goes to `take`. */
  async attend({ until, take }: Attendance): Promise<void> {
    this.heed()
    const happening = await this.#within(until === undefined ? undefined : until - this.#clock.now())
    if (happening?.type === 'said') await this.#judge(take, happening.member, happening.message)
    this.heed()
  }

  async #judge(take: Step['take'], member: Member, message: Message): Promise<Verdict> {
    try {
      return await take(member, message)
    } catch (error) {
      if (!isPeersFault(error)) throw error
      this.drop(member, error.code, error.message, true)
      return 'ignored'
    }
  }

  async #listen(connected: Connected): Promise<void> {
    const { index, name, link } = connected
    const member = { index, name }
    try {
      for await (const frame of link.frames) {
        connected.lastHeard = this.#clock.now()
        const message = decodeMessage(frame)
        if (message.type !== 'progress') this.#happenings.put({ type: 'said', member, message })
      }
      this.#lost(connected, 'ERR_LINK_LOST', 'the connection ended')
    } catch (error) {
      if (!isPeersFault(error)) throw error
      this.#lost(connected, error.code, error.message)
    }
  }

  /** The end of an old link must not take the member's new one down. */
  #lost(connected: Connected, code: string, reason: string): void {
    if (this.#connected.get(connected.index) === connected) this.drop(connected, code, reason)
  }

  /** The next happening, or `undefined` when it is time to give one of the awaited up, or to say whom the step waits for. */
  #next(waiting: ReadonlySet<number>, pace: Pace, overdue: number): Promise<Happening | undefined> {
    const until = Math.min(overdue, waitsUntil(this.#presences(waiting), pace, this.#rules))
    // Whoever is not there any more has left, which is said by itself.
    return this.#within(Number.isFinite(until) ? until - this.#clock.now() : undefined)
  }

  #presences(waiting: ReadonlySet<number>): readonly Connected[] {
    return [...waiting].flatMap((index) => this.#connected.get(index) ?? [])
  }

  async #within(milliseconds: number | undefined): Promise<Happening | undefined> {
    if (milliseconds === undefined) return this.#happenings.next()
    const over = new AbortController()
    try {
      return await this.#happenings.next(this.#clock.wait(Math.max(0, milliseconds), over.signal))
    } finally {
      over.abort()
    }
  }

  /** Ends the link of whoever is silent; others' links stay, and their answers come too late. */
  #giveUp(waiting: Set<number>, pace: Pace): readonly Absence[] {
    const given = givenUp(this.#presences(waiting), pace, { rules: this.#rules, now: this.#clock.now() })
    return given.flatMap(({ member: connected, code, reason }) => {
      const { index, name } = connected
      if (code === 'ERR_SILENT') {
        this.drop(connected, code, reason)
        return []
      }
      waiting.delete(index)
      if (code === 'ERR_LINK_LOST') pace.gone(index)
      return [{ member: { index, name }, code, reason }]
    })
  }
}

const isPeersFault = (error: unknown): error is ProtocolError => error instanceof ProtocolError
