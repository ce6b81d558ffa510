/** Keeps the page's state up to date: takes what the feed tells, reads the journal of the run that is open, and does what a person asks for. */

import { InputError, unreachable } from '../../protocol/errors.ts'
import type { ShownEvent } from './answers.ts'
import { type Api, openApi, Refusal } from './api.ts'
import { type Feed, openFeed } from './feed.ts'
import { readJournal } from './journal.ts'
import { toldRounds } from './rounds.ts'
import { type Act, firstState, type ObserverState, type RunView } from './state.ts'

/** The least milliseconds between two looks at a journal. */
const journalEvery = 3_000
/** A large journal is read the more seldom: no more than a twentieth of the time. */
const journalShare = 20
/** Looks at a journal after the last thing that was told of its run: sites sign a round once it is told. */
const looksAfterChange = 3
const longestWait = 15_000

export interface ObserverParts {
  readonly base: URL
  readonly show: (state: ObserverState) => void
  /** Keeps the token for this tab, or forgets it. */
  readonly keep: (token: string | undefined) => void
}

interface Session {
  readonly api: Api
  readonly feed: Feed
  /** What the run that is open ends with. */
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

  function signIn(token: string): void {
    signOut()
    keep(token)
    set({ phase: 'signing-in' })
    const feed = openFeed(base, token, {
      role: (role) => {
        set({ phase: 'signed-in', role })
        if (state.run?.id !== wanted) openRun(wanted)
      },
      runs: (runs) => set({ runs }),
      sites: (sites) => set({ sites }),
      roster: (roster) => set({ roster }),
      events: takeEvents,
      online: (here) => set({ offline: !here }),
      refused: ({ code, message }) => tell(new Refusal(code, message)),
    })
    session = { api: openApi(base, token), feed, open: undefined }
  }

  function signOut(): void {
    session?.open?.abort()
    session?.feed.close()
    session = undefined
    keep(undefined)
    set(firstState)
  }

  function openRun(id: string | undefined): void {
    wanted = id
    if (session === undefined || state.phase !== 'signed-in') return
    session.open?.abort()
    session.open = new AbortController()
    set({ run: id === undefined ? undefined : { id, rounds: [], phases: [], now: undefined, journal: undefined } })
    session.feed.follow(id)
    if (id !== undefined) void watchJournal(session.api, id, session.open.signal)
  }

  /** A new connection tells the run again from where the coordinator knows it. */
  function takeEvents(events: readonly ShownEvent[], first: boolean): void {
    const { run } = state
    if (run === undefined) return
    const { rounds, phases } = toldRounds(first ? [] : run.phases, events)
    const others = events.filter((event) => event.type !== 'round')
    set({
      run: {
        ...run,
        phases,
        rounds: [...(first ? [] : run.rounds), ...rounds],
        now: others.at(-1) ?? (first ? undefined : run.now),
      },
    })
  }

  /** Reads the journal anew when the run has gone on, and a few times after that. */
  async function watchJournal(api: Api, id: string, signal: AbortSignal): Promise<void> {
    let seen = ''
    let left = 0
    for (let wait = journalEvery; !signal.aborted; ) {
      const mark = `${state.run?.rounds.length} ${state.run?.now?.at}`
      left = mark === seen ? left - 1 : looksAfterChange
      seen = mark
      const began = performance.now()
      try {
        const journal = left < 0 ? undefined : await readJournal(await api.text(`runs/${id}/journal`))
        if (journal !== undefined && !signal.aborted) setRun(id, () => ({ journal }))
        wait = Math.max(journalEvery, journalShare * (performance.now() - began))
      } catch (error) {
        if (signal.aborted) return
        tell(error)
        seen = ''
        wait = Math.min(longestWait, 2 * wait)
      }
      await pause(wait, signal)
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
        return api?.post(`runs/${act.id}/${act.change}`, {})
      case 'approve':
        return api?.post(`sites/${encodeURIComponent(act.site)}/approve`, { words: act.words })
      case 'refuse':
        return api?.post(`sites/${encodeURIComponent(act.site)}/refuse`, { reason: act.reason })
      default:
        return unreachable(act)
    }
  }

  return (act) => {
    if (state.fault !== undefined) set({ fault: undefined })
    void perform(act).catch(tell)
  }
}

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
