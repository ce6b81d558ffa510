/** Keeps the page's state up to date: asks for runs, follows the one that is open, and does what a person asks for. */

import { InputError, unreachable } from '../../protocol/errors.ts'
import { roleSchema, rosterSchema, runsSchema } from './answers.ts'
import { type Api, openApi, Refusal } from './api.ts'
import { readJournal } from './journal.ts'
import { type Act, firstState, type ObserverState, type RunView } from './state.ts'

/** Milliseconds between two looks at the list, and the least between two at a journal. */
const listEvery = 2_000
const journalEvery = 3_000
/** A large journal is read the more seldom: no more than a twentieth of the time. */
const journalShare = 20
/** Looks at a journal after the last thing that was told of its run. */
const looksAfterChange = 3
const longestWait = 15_000

export interface ObserverParts {
  readonly base: URL
  readonly show: (state: ObserverState) => void
  /** Keeps the token for this tab, or forgets it. */
  readonly keep: (token: string | undefined) => void
}

/** What the open run and the session end with. */
interface Session {
  readonly api: Api
  readonly ended: AbortController
  open: AbortController | undefined
}

export function startObserver({ base, show, keep }: ObserverParts): (act: Act) => void {
  let state = firstState
  let session: Session | undefined
  /** The run the address names, also before somebody is signed in. */
  let wanted: string | undefined

  const set = (change: Partial<ObserverState>): void => {
    state = { ...state, ...change }
    show(state)
  }
  const setRun = (id: string, change: (run: RunView) => Partial<RunView>): void => {
    if (state.run?.id === id) set({ run: { ...state.run, ...change(state.run) } })
  }

  /** Shows a refusal; a token that is no longer in force ends the session. */
  const tell = (error: unknown): void => {
    if (!(error instanceof Refusal || error instanceof InputError)) throw error
    if (error.code === 'ERR_TOKEN') signOut()
    if (error.code === 'ERR_UNREACHABLE') set({ offline: true })
    else set({ fault: { code: error.code, reason: error.message } })
  }

  /** Asks again and again, later and later while nobody answers, until the signal says so. */
  const keepOn = async (signal: AbortSignal, every: number, ask: () => Promise<'again' | 'done'>): Promise<void> => {
    for (let wait = every; !signal.aborted; ) {
      try {
        if ((await ask()) === 'done') return
        if (state.offline && !signal.aborted) set({ offline: false })
        wait = every
      } catch (error) {
        if (signal.aborted) return
        tell(error)
        wait = Math.min(longestWait, 2 * wait)
      }
      await pause(wait, signal)
    }
  }

  async function signIn(token: string): Promise<void> {
    signOut()
    keep(token)
    const opened: Session = { api: openApi(base, token), ended: new AbortController(), open: undefined }
    session = opened
    const { signal } = opened.ended
    set({ phase: 'signing-in' })
    await keepOn(signal, listEvery, async () => {
      const { role } = await opened.api.get('role', roleSchema)
      if (!signal.aborted) set({ phase: 'signed-in', role, offline: false })
      return 'done'
    })
    if (signal.aborted) return
    void keepOn(signal, listEvery, () => look(opened))
    openRun(wanted)
  }

  function signOut(): void {
    session?.open?.abort()
    session?.ended.abort()
    session = undefined
    keep(undefined)
    set(firstState)
  }

  async function look({ api, ended }: Session): Promise<'again'> {
    const runs = await api.get('runs', runsSchema)
    const roster = state.role === 'operator' ? await rosterOf(api) : undefined
    if (!ended.signal.aborted) set({ runs, roster })
    return 'again'
  }

  function openRun(id: string | undefined): void {
    wanted = id
    if (session === undefined || state.phase !== 'signed-in') return
    session.open?.abort()
    const opened = new AbortController()
    session.open = opened
    set({ run: id === undefined ? undefined : { id, rounds: [], now: undefined, journal: undefined } })
    if (id === undefined) return
    const { api } = session
    void keepOn(opened.signal, listEvery, () => follow(api, id, opened.signal))
    void keepOn(opened.signal, journalEvery, journalWatch(api, id, opened.signal))
  }

  /** A new connection tells the run again from where the coordinator knows it. */
  async function follow(api: Api, id: string, signal: AbortSignal): Promise<'again' | 'done'> {
    let fresh = true
    for await (const event of api.follow(id, signal)) {
      if (signal.aborted) return 'done'
      const before = fresh ? [] : (state.run?.rounds ?? [])
      fresh = false
      const rounds = event.type === 'round' ? [...before, event] : before
      setRun(id, ({ now }) => ({ rounds, now: event.type === 'round' ? now : event }))
      if (state.offline) set({ offline: false })
      if (event.type === 'finished' || event.type === 'failed') return 'done'
    }
    return 'again'
  }

  /** Reads the journal anew when the run has gone on, and a few times after that: sites sign a round once it is told. */
  function journalWatch(api: Api, id: string, signal: AbortSignal): () => Promise<'again'> {
    let seen = ''
    let left = 0
    return async () => {
      const mark = `${state.run?.rounds.length} ${state.run?.now?.at}`
      left = mark === seen ? left - 1 : looksAfterChange
      seen = mark
      if (left < 0) return 'again'
      const began = performance.now()
      const journal = await readJournal(await api.text(`runs/${id}/journal`))
      if (!signal.aborted) setRun(id, () => ({ journal }))
      await pause(journalShare * (performance.now() - began), signal)
      return 'again'
    }
  }

  async function perform(act: Act): Promise<void> {
    const { api } = session ?? {}
    switch (act.type) {
      case 'sign-in':
        return signIn(act.token)
      case 'sign-out':
        return signOut()
      case 'open':
        return openRun(act.id)
      case 'change':
        await api?.post(`runs/${act.id}/${act.change}`, {})
        break
      case 'approve':
        await api?.post(`sites/${encodeURIComponent(act.site)}/approve`, { words: act.words })
        break
      case 'refuse':
        await api?.post(`sites/${encodeURIComponent(act.site)}/refuse`, { reason: act.reason })
        break
      default:
        return unreachable(act)
    }
    if (session !== undefined) await look(session)
  }

  return (act) => {
    if (state.fault !== undefined) set({ fault: undefined })
    void perform(act).catch(tell)
  }
}

/** A coordinator whose roster was made by hand has no such door. */
const rosterOf = (api: Api) =>
  api.get('sites', rosterSchema).catch((error: unknown) => {
    if (error instanceof Refusal && error.code === 'ERR_ROUTE') return undefined
    throw error
  })

/** Ends early where the signal says so. */
const pause = (milliseconds: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const wake = (): void => {
      clearTimeout(late)
      signal.removeEventListener('abort', wake)
      resolve()
    }
    const late = setTimeout(wake, milliseconds)
    signal.addEventListener('abort', wake)
    if (signal.aborted) wake()
  })
