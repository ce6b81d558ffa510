import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Staging } from '../../coordinator/bulk.ts'
import type { Clock } from '../../coordinator/clock.ts'
import { Hub } from '../../coordinator/hub.ts'
import { type Absence, type Member, Members } from '../../coordinator/members.ts'
import type { Channel } from '../../protocol/wire/channel.ts'
import { envelope, openEnvelope } from '../../protocol/wire/envelope.ts'
import { LastingChannel } from '../../protocol/wire/lasting-channel.ts'
import { Mailbox } from '../../protocol/wire/mailbox.ts'
import { decodeMessage, encodeMessage } from '../../protocol/wire/messages.ts'
import { testRandom } from '../support/secure-round.ts'

const patience = 60_000
const grace = 2_000
const run = 'ab'.repeat(8)
const names = ['a', 'b', 'c']
const keys = names.map((name) => testRandom(name).bytes(32))
const roster = names.map((name, i) => ({ name, identity: keys[i] }))

/** Time that passes when it is told to. */
class TestClock implements Clock {
  #now = 1_000_000
  readonly #alarms = new Set<{ readonly at: number; readonly ring: () => void }>()

  now(): number {
    return this.#now
  }

  wait(milliseconds: number, signal: AbortSignal): Promise<void> {
    if (milliseconds <= 0) return Promise.resolve()
    return new Promise((resolve) => {
      const alarm = { at: this.#now + milliseconds, ring: resolve }
      this.#alarms.add(alarm)
      signal.addEventListener('abort', () => {
        this.#alarms.delete(alarm)
        resolve()
      })
    })
  }

  async pass(milliseconds: number): Promise<void> {
    this.#now += milliseconds
    for (const alarm of this.#alarms) {
      if (alarm.at > this.#now) continue
      this.#alarms.delete(alarm)
      alarm.ring()
    }
    await quiet()
  }
}

const quiet = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5))

/** Both ends of a connection, and a way to break it. */
function connection() {
  const [up, down] = [new Mailbox<Uint8Array>(), new Mailbox<Uint8Array>()]
  let open = true
  const close = (): void => {
    open = false
    up.close()
    down.close()
  }
  const end = (to: Mailbox<Uint8Array>, from: Mailbox<Uint8Array>): Channel => ({
    send: (frame) => {
      if (open) to.put(frame)
    },
    frames: from,
    close,
  })
  return { site: end(up, down), coordinator: end(down, up), cut: close, isOpen: () => open }
}

let clock: TestClock
let hub: Hub
let members: Members
let dismissed: string[]

beforeEach(() => {
  clock = new TestClock()
  dismissed = []
  const bulk: Staging = {
    admit: () => {},
    dismiss: async (token) => {
      dismissed.push(token.slice(0, 2))
    },
    take: async () => undefined,
  }
  hub = new Hub({ bulk, clock, patience })
  members = new Members({ clock, patience, grace })
  hub.open(run, members, roster)
})

afterEach(() => hub.closeAll('ERR_STOPPED', 'over'))

/** A site of the current version: its link, and what it has read of it. */
function arrive(index: number, tokenByte = index) {
  const wire = connection()
  const token = new Uint8Array(32).fill(tokenByte)
  const link = new LastingChannel(() => {})
  const read: string[] = []
  const collect = async (): Promise<void> => {
    for await (const bytes of link.frames) read.push(decodeMessage(openEnvelope(bytes).frame).type)
  }
  void collect()
  hub.connect({ identity: keys[index], connection: wire.coordinator, version: 3, token })
  link.attach(wire.site, 0)
  const say = (done: number): void =>
    link.send(envelope({ run, frame: encodeMessage({ type: 'decline', code: 'ERR_TEST', reason: String(done) }) }))
  return { wire, token, link, read, say }
}

/** Comes back over another connection, as after a handshake. */
function comeBack(index: number, { link, token }: Pick<ReturnType<typeof arrive>, 'link' | 'token'>) {
  const wire = connection()
  const accepted = hub.resume({
    ...{ identity: keys[index], connection: wire.coordinator, token },
    taken: link.received,
  })
  return { wire, accepted }
}

/** What `resumed` says, taken off the connection as the handshake does. */
async function attach(link: LastingChannel, wire: ReturnType<typeof connection>): Promise<void> {
  const first = await wire.site.frames[Symbol.asyncIterator]().next()
  const message = decodeMessage(first.value ?? new Uint8Array(0))
  if (message.type !== 'resumed') throw new Error(`expected resumed, found ${message.type}`)
  link.attach(wire.site, message.received)
}

/** Waits for one answer of each; tells who gave one, and who did not and why. */
function gather(awaits: readonly number[], least = 0) {
  const answers: string[] = []
  let absences: readonly Absence[] | undefined
  const take = async ({ name }: Member, message: { readonly type: string }) => {
    answers.push(`${name} ${message.type}`)
    return 'answered' as const
  }
  const over = members.gather({ awaits, needs: [{ members: awaits, least }], take }).then((absent) => {
    absences = absent
  })
  return { answers, over, absences: () => absences?.map(({ member, code }) => `${member.name} ${code}`) }
}

describe('a site whose connection breaks', () => {
  test('is in the step all the same when it comes back, and has missed nothing', async () => {
    const [a, b] = [arrive(0), arrive(1)]
    const step = gather([0, 1])
    a.wire.cut()
    await quiet()
    members.send(0, { type: 'progress', attempt: 1, done: 1 })
    a.say(1)
    b.say(1)
    await clock.pass(grace - 1)
    expect(step.absences()).toBeUndefined()
    const { wire, accepted } = comeBack(0, a)
    expect(accepted).toBe(true)
    await attach(a.link, wire)
    await step.over
    expect(step.absences()).toEqual([])
    expect([...step.answers].sort()).toEqual(['a decline', 'b decline'])
    await quiet()
    expect(a.read).toEqual(['progress'])
    expect(dismissed).toEqual([])
  })

  test('may take longer while others are at work, and is waited for a little when they are done', async () => {
    const [a, b] = [arrive(0), arrive(1)]
    const step = gather([0, 1])
    a.wire.cut()
    await quiet()
    for (let i = 0; i < 5; i++) {
      await clock.pass(5_000)
      members.heard(1)
    }
    expect(step.absences()).toBeUndefined()
    b.say(1)
    await step.over
    expect(step.absences()).toEqual(['a ERR_LINK_LOST'])
    // Its link is kept: it is no member of the next round, and one again when it has come back.
    expect(members.connected.map(({ name }) => name)).toEqual(['b'])
    const { wire } = comeBack(0, a)
    await attach(a.link, wire)
    expect(members.connected.map(({ name }) => name)).toEqual(['a', 'b'])
  })

  test('and is dead costs the step the grace, no more', async () => {
    const [a, b] = [arrive(0), arrive(1)]
    const step = gather([0, 1])
    b.say(1)
    a.wire.cut()
    await quiet()
    await clock.pass(grace - 1)
    expect(step.absences()).toBeUndefined()
    expect(members.connected.map(({ name }) => name)).toEqual(['a', 'b'])
    await clock.pass(1)
    await step.over
    expect(step.absences()).toEqual(['a ERR_LINK_LOST'])
  })

  test('is waited for as long as its link is kept where the sum cannot do without it', async () => {
    const [a, b] = [arrive(0), arrive(1)]
    const step = gather([0, 1], 2)
    b.say(1)
    a.wire.cut()
    await quiet()
    await clock.pass(patience - 1)
    expect(step.absences()).toBeUndefined()
    await clock.pass(1)
    await step.over
    expect(step.absences()).toHaveLength(1)
  })

  test('and does not come back has no link any more when patience is over', async () => {
    const a = arrive(0)
    a.wire.cut()
    await quiet()
    expect(hub.size).toBe(0)
    await clock.pass(patience - 1)
    expect(hub.tokenOf(keys[0])).toEqual(a.token)
    await clock.pass(1)
    expect(hub.tokenOf(keys[0])).toBeUndefined()
    expect(members.has(0)).toBe(false)
    expect(dismissed).toEqual(['00'])
    expect(comeBack(0, a).accepted).toBe(false)
  })

  test('and was killed comes anew at once: nobody waits for what it was', async () => {
    const a = arrive(0)
    const step = gather([0])
    a.wire.cut()
    await quiet()
    const anew = arrive(0, 9)
    await step.over
    expect(step.absences()).toEqual(['a ERR_REPLACED'])
    expect(comeBack(0, a).accepted).toBe(false)
    expect(hub.tokenOf(keys[0])).toEqual(anew.token)
  })

  test('is offered a run that began meanwhile when it is back', async () => {
    const a = arrive(0)
    a.wire.cut()
    await quiet()
    const later = new Members({ clock, patience, grace })
    hub.open('cd'.repeat(8), later, roster)
    await clock.pass(grace)
    later.onCame(({ index }) => later.send(index, { type: 'progress', attempt: 3, done: 0 }))
    expect(later.connected).toEqual([])
    const { wire } = comeBack(0, a)
    await attach(a.link, wire)
    await quiet()
    expect(a.read).toEqual(['progress'])
    expect(later.connected.map(({ name }) => name)).toEqual(['a'])
  })
})

test('a link that comes back twice at once has one connection, and every frame once', async () => {
  const a = arrive(0)
  const step = gather([0])
  a.wire.cut()
  await quiet()
  a.say(1)
  members.send(0, { type: 'progress', attempt: 1, done: 1 })
  const first = comeBack(0, a)
  const second = comeBack(0, a)
  expect([first.accepted, second.accepted]).toEqual([true, true])
  expect([first.wire.isOpen(), second.wire.isOpen()]).toEqual([false, true])
  await attach(a.link, second.wire)
  await step.over
  await quiet()
  expect(step.answers).toEqual(['a decline'])
  expect(a.read).toEqual(['progress'])
})

test('nobody has the link of another, whatever it claims', async () => {
  const [a, b] = [arrive(0), arrive(1)]
  const stolen = connection()
  expect(hub.resume({ identity: keys[1], connection: stolen.coordinator, token: a.token, taken: 0 })).toBe(false)
  expect(hub.resume({ identity: keys[2], connection: stolen.coordinator, token: a.token, taken: 0 })).toBe(false)
  expect([a.wire.isOpen(), b.wire.isOpen()]).toEqual([true, true])
})

test('a site that leaves says so, and is not waited for', async () => {
  const a = arrive(0)
  const step = gather([0])
  a.link.close()
  await step.over
  expect(step.absences()).toEqual(['a ERR_LINK_LOST'])
  expect(dismissed).toEqual(['00'])
})

test('the link of a site of the version before ends with its connection, as it did', async () => {
  const wire = connection()
  hub.connect({ identity: keys[0], connection: wire.coordinator, version: 2, token: new Uint8Array(32) })
  const step = gather([0])
  expect(hub.tokenOf(keys[0])).toBeUndefined()
  wire.cut()
  await step.over
  expect(step.absences()).toEqual(['a ERR_LINK_LOST'])
})

test('who watches sees a site connected, away while its link is kept, and gone; what it runs on, and nothing of one that never came', async () => {
  expect(hub.standing(keys[0])).toBeUndefined()
  const wire = connection()
  const token = new Uint8Array(32).fill(9)
  hub.connect({ identity: keys[0], connection: wire.coordinator, version: 3, token, agent: 'concordat 1.2.3' })
  const came = clock.now()
  const heard = came - (came % 10_000)
  expect(hub.standing(keys[0])).toEqual({ link: 'connected', version: 3, agent: 'concordat 1.2.3', heard })
  wire.cut()
  await quiet()
  expect(hub.standing(keys[0])?.link).toBe('away')
  await clock.pass(patience)
  await quiet()
  expect(hub.standing(keys[0])).toMatchObject({ link: 'gone', agent: 'concordat 1.2.3', heard })
  expect(hub.standing(keys[1])).toBeUndefined()
})
