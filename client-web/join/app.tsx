/** The participant's page: one state in, what a person may do out; everything else happens in the worker. */

import { Fault } from '../shared/fault.tsx'
import type { Words } from '../shared/words.ts'
import type { Act, PageState } from '../worker/page-state.ts'
import { FileSection } from './file-section.tsx'
import { InviteSection, RosterSection } from './invite-section.tsx'
import { ModelSection } from './model-section.tsx'
import { PlanSection } from './plan-section.tsx'
import { PrivacySection } from './privacy.tsx'
import { Receipts } from './receipts.tsx'
import { RulesSection } from './rules-section.tsx'
import { RunSection } from './run-section.tsx'

export interface SectionProps {
  readonly state: PageState
  readonly words: Words
  readonly act: (act: Act) => void
}

const enrolled = new Set<PageState['phase']>(['enrolled', 'review', 'running', 'paused', 'leaving', 'left', 'finished'])

export function App(props: SectionProps) {
  const { state, words } = props
  return (
    <>
      <p class="quiet">{words.promise}</p>
      {state.phase === 'loading' ? <p role="status">{words.loading}</p> : null}
      {state.phase === 'refused' ? null : <Fault fault={state.fault} title={words.fault} />}
      <InviteSection {...props} />
      {enrolled.has(state.phase) ? (
        <>
          {state.site?.waiting === undefined ? null : <RosterSection {...props} />}
          <RulesSection {...props} />
          <FileSection {...props} />
          <PlanSection {...props} />
          <RunSection {...props} />
          <ModelSection {...props} />
          <PrivacySection {...props} />
          <Receipts {...props} />
          {state.site?.waiting === undefined ? <RosterSection {...props} /> : null}
          <Forget {...props} />
        </>
      ) : null}
    </>
  )
}

function Forget({ words, act }: SectionProps) {
  const forget = (): void => {
    if (globalThis.confirm(words.forgetSure)) act({ type: 'forget' })
  }
  return (
    <div class="acts">
      <button type="button" class="grave" onClick={forget}>
        {words.forget}
      </button>
    </div>
  )
}
