import { io, type Socket } from 'socket.io-client'
import { afterEach, expect, test } from 'vitest'
import { type Told, type ToldCoordinator, toldCoordinator } from '../../bench/told-coordinator.ts'

const sockets: Socket[] = []
let coordinator: ToldCoordinator | undefined

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.close()
  await coordinator?.close()
  coordinator = undefined
})

const id = 'ab'.repeat(8)
const paused = { type: 'paused', at: 1.7e12 } as const
const usual: Told = {
  role: 'observer',
  runs: [{ id, name: 'heart', events: [paused] }],
  roster: () => ({ roster: { version: 1, words: '', sites: [] }, waiting: [], invites: [] }),
}

type Heard = readonly [string, ...unknown[]]

async function open(auth: object, { role = 'observer' as Told['role'], transports = ['websocket'] } = {}) {
  coordinator ??= await toldCoordinator({ ...usual, role })
  const socket = io(`${coordinator.url}/observe`, { auth, transports, forceNew: true, reconnection: false })
  sockets.push(socket)
  const heard: Heard[] = []
  let wake: () => void = () => {}
  const hear = (name: string, ...given: unknown[]): void => {
    heard.push([name, ...given])
    wake()
  }
  socket.onAny(hear)
  for (const name of ['connect_error', 'disconnect']) socket.on(name, (...given: unknown[]) => hear(name, ...given))
  /** What was told under a name and not looked at yet, or is told next. */
  const next = async (name: string): Promise<readonly unknown[]> => {
    for (;;) {
      const at = heard.findIndex(([found]) => found === name)
      if (at >= 0) return heard.splice(at, 1)[0].slice(1)
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }
  return { socket, coordinator, heard, next }
}

test.each([
  ['none', {}],
  ['another', { token: '2'.repeat(64) }],
  ['an object', { token: { toString: 'x' } }],
  ['a list', { token: ['1'.repeat(64)] }],
])('whoever has no token in force is not let in: %s', async (_what, auth) => {
  const { next } = await open(auth)
  const [error] = await next('connect_error')
  expect(error).toMatchObject({ data: { code: 'ERR_TOKEN' } })
})

test.each(['websocket', 'polling'])(
  'over %s an observer is told its role, the runs and no roster, then what happens',
  async (transport) => {
    const {
      socket,
      heard,
      next,
      coordinator: { token, tell },
    } = await open({ token: '1'.repeat(64) }, { transports: [transport] })
    expect(token).toBe('1'.repeat(64))
    expect(await next('role')).toEqual(['observer'])
    expect(await next('runs')).toMatchObject([[{ id, name: 'heart', status: 'running' }]])
    socket.emit('follow', id)
    const [of, events, taken] = await next('events')
    expect([of, events]).toEqual([id, [paused]])
    tell(id, { type: 'assembled', sites: 3 })
    tell(id, { type: 'assembled', sites: 4 })
    const more = next('events')
    if (typeof taken === 'function') taken()
    // Both at once: the page had not yet taken what was before.
    expect((await more)[1]).toMatchObject([{ sites: 3 }, { sites: 4 }])
    expect(heard.map(([name]) => name)).not.toContain('roster')
  },
)

test('an operator is told of the roster; a run that is none, or no name of one, ends nothing', async () => {
  const { socket, next } = await open({ token: '1'.repeat(64) }, { role: 'operator' })
  expect(await next('roster')).toMatchObject([{ waiting: [] }])
  for (const wrong of [null, 7, { id }, ['x']]) socket.emit('follow', wrong)
  socket.emit('follow', 'cd'.repeat(8))
  expect(await next('refused')).toMatchObject([{ code: 'ERR_RUN' }])
  socket.emit('follow', id)
  expect((await next('events'))[0]).toBe(id)
})

test('a token that is revoked ends what it has opened', async () => {
  const { next, coordinator: here } = await open({ token: '1'.repeat(64) })
  await next('runs')
  here.revoke()
  expect(await next('refused')).toMatchObject([{ code: 'ERR_TOKEN' }])
  expect(await next('disconnect')).toContain('io server disconnect')
})
