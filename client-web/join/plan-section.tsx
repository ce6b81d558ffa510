/** The plan in plain words, and the one question: agree or decline. */

import { Fragment } from 'preact'
import type { SectionProps } from './app.tsx'

export function PlanSection({ state: { plan, phase }, words, act }: SectionProps) {
  if (plan === undefined) return null
  return (
    <section data-state={phase === 'review' ? 'open' : 'done'}>
      <h2>
        {words.planTitle}: {plan.name}
      </h2>
      {phase === 'review' ? <p class="quiet">{words.planIntro}</p> : null}
      <dl lang="en">
        {plan.lines.map(partsOf).map(([name, text]) => (
          <Fragment key={text}>
            <dt>{name}</dt>
            <dd>{text}</dd>
          </Fragment>
        ))}
      </dl>
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

/** A line for a terminal begins with its heading, or with the room of the one above. */
function partsOf(line: string): readonly [string, string] {
  const [, name, text] = /^(\S*) {2,}(.*)$/.exec(line) ?? [line, '', line]
  return [name, text]
}
