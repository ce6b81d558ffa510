import { io, type Socket } from 'socket.io-client'
import { afterEach, expect, test } from 'vitest'
import { type Told, type ToldCoordinator, toldCoordinator } from '../support/told-coordinator.ts'

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

async function open(auth: object, { role = 'observer' as Told['role'], transports = ['websocket'] } = {}) {
  coordinator ??= await toldCoordinator({ ...usual, role })
  const socket = io(`${coordinator.url}/observe`, { auth, transports, forceNew: true, reconnection: false })
  sockets.push(socket)
  const heard: [string, ...unknown[]][] = []
  told.set(socket, heard)
  socket.onAny((name: string, ...given: unknown[]) => heard.push([name, ...given]))
  for (const name of ['connect_error', 'disconnect']) socket.on(name, (...given: unknown[]) => heard.push([name, ...given]))
  return { socket, coordinator }
}

const told = new WeakMap<Socket, [string, ...unknown[]][]>()

/** What was told under a name and not looked at yet, or will be. */
async function next(socket: Socket, name: string): Promise<unknown[]> {
  const heard = told.get(socket) ?? []
  for (;;) {
    const at = heard.findIndex(([found]) => found === name)
    if (at >= 0) return heard.splice(at, 1)[0].slice(1)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

test.each([
  ['none', {}],
  ['another', { token: '2'.repeat(64) }],
  ['an object', { token: { toString: 'x' } }],
  ['a list', { token: ['1'.repeat(64)] }],
])('whoever has no token in force is not let in: %s', async (_what, auth) => {
  const { socket } = await open(auth)
  const [error] = await next(socket, 'connect_error')
  expect(error).toMatchObject({ data: { code: 'ERR_TOKEN' } })
})

test.each(['websocket', 'polling'])(
  'over %s an observer is told its role, the runs and no roster, then what happens',
  async (transport) => {
    const {
      socket,
      coordinator: { token, tell },
    } = await open({ token: '1'.repeat(64) }, { transports: [transport] })
    expect(token).toBe('1'.repeat(64))
    expect(await next(socket, 'role')).toEqual(['observer'])
    expect(await next(socket, 'runs')).toMatchObject([[{ id, name: 'heart', status: 'running' }]])
    socket.emit('follow', id)
    const [of, events, taken] = await next(socket, 'events')
    expect([of, events]).toEqual([id, [paused]])
    tell(id, { type: 'assembled', sites: 3 })
    tell(id, { type: 'assembled', sites: 4 })
    const more = next(socket, 'events')
    if (typeof taken === 'function') taken()
    // Both at once: the page had not yet taken what was before.
    expect((await more)[1]).toMatchObject([{ sites: 3 }, { sites: 4 }])
    expect(told.get(socket)?.map(([name]) => name)).not.toContain('roster')
  },
)

test('an operator is told of the roster; a run that is none, or no name of one, ends nothing', async () => {
  const { socket } = await open({ token: '1'.repeat(64) }, { role: 'operator' })
  expect(await next(socket, 'roster')).toMatchObject([{ waiting: [] }])
  for (const wrong of [null, 7, { id }, ['x']]) socket.emit('follow', wrong)
  socket.emit('follow', 'cd'.repeat(8))
  expect(await next(socket, 'refused')).toMatchObject([{ code: 'ERR_RUN' }])
  socket.emit('follow', id)
  expect((await next(socket, 'events'))[0]).toBe(id)
})

test('a token that is revoked ends what it has opened', async () => {
  const { socket, coordinator: here } = await open({ token: '1'.repeat(64) })
  await next(socket, 'runs')
  here.revoke()
  expect(await next(socket, 'refused')).toMatchObject([{ code: 'ERR_TOKEN' }])
  expect(await next(socket, 'disconnect')).toMatchObject(['io server disconnect'])
})
