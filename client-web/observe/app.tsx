/** The observer's page: one state in, what a person may do out. */

import { Fault } from '../shared/fault.tsx'
import type { Language } from '../shared/language.ts'
import { CurvesSection } from './curves-section.tsx'
import { JournalSection } from './journal-section.tsx'
import { RosterSection } from './roster-section.tsx'
import { roundRows } from './rounds.ts'
import { RoundsSection } from './rounds-section.tsx'
import { RunSection } from './run-section.tsx'
import { RunsSection } from './runs-section.tsx'
import { SignInSection } from './sign-in-section.tsx'
import { SitesSection } from './sites-section.tsx'
import type { Act, ObserverState } from './state.ts'
import type { Words } from './words.ts'

export interface SectionProps {
  readonly state: ObserverState
  readonly words: Words
  readonly language: Language
  readonly act: (act: Act) => void
}

export function App(props: SectionProps) {
  const { state, words, act } = props
  return (
    <>
      <div role="status">{state.offline ? <p class="notice">{words.offline}</p> : null}</div>
      <Fault fault={state.fault} title={words.fault} />
      {state.phase === 'signed-in' ? (
        <>
          <RunsSection {...props} />
          <OpenRun {...props} />
          <RosterSection {...props} />
          <div class="acts">
            <span class="quiet grow">
              {words.roles} {words[state.role ?? 'observer']}
            </span>
            <button type="button" onClick={() => act({ type: 'sign-out' })}>
              {words.signOut}
            </button>
          </div>
        </>
      ) : (
        <SignInSection {...props} />
      )}
    </>
  )
}

function OpenRun(props: SectionProps) {
  const { run } = props.state
  if (run === undefined) return <SitesSection {...props} rows={[]} journal={undefined} />
  const rows = roundRows(run.journal, run.rounds)
  const parts = { ...props, run, rows }
  return (
    <>
      <RunSection {...parts} />
      <CurvesSection {...parts} />
      <RoundsSection key={run.id} {...parts} />
      <SitesSection {...parts} journal={run.journal} />
      <JournalSection {...parts} />
    </>
  )
}
