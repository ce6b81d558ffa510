/** The plan in plain words, and the one question: agree or decline. */

import type { SectionProps } from './app.tsx'

export function PlanSection({ state: { plan, phase }, words, act }: SectionProps) {
  if (plan === undefined) return null
  return (
    <section data-state={phase === 'review' ? 'open' : 'done'}>
      <h2>
        {words.planTitle}: {plan.name}
      </h2>
      {phase === 'review' ? <p class="quiet">{words.planIntro}</p> : null}
      <ul class="plain" lang="en">
        {plan.lines.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
      {phase === 'review' ? (
        <div class="acts">
          <button type="button" class="main" onClick={() => act({ type: 'approve' })}>
            {words.approve}
          </button>
          <button type="button" onClick={() => act({ type: 'decline' })}>
            {words.decline}
          </button>
        </div>
      ) : null}
    </section>
  )
}
