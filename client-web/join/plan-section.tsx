/** The plan in plain words, and the one question: agree or decline. */

import { filled, type Words } from '../shared/words.ts'
import type { PlanView } from '../worker/page-state.ts'
import type { SectionProps } from './app.tsx'
import { bytesText } from './numbers.ts'
import { RunCost } from './privacy.tsx'
import { Section } from './section.tsx'

export function PlanSection({ state: { plan, phase, privacy, rules }, words, act }: SectionProps) {
  if (plan === undefined) return null
  const asked = phase === 'review'
  return (
    <Section title={`${words.planTitle}: ${plan.name}`} state={asked ? 'open' : 'done'} fold={!asked}>
      {plan.description === '' ? null : <p>{plan.description}</p>}
      <dl>
        <dt>{words.planComputes}</dt>
        <dd>{computes(plan, words)}</dd>
        <dt>{words.planReads}</dt>
        <dd>{reads(plan, words)}</dd>
        <dt>{words.planLeaves}</dt>
        <dd>
          <Departures plan={plan} words={words} />
        </dd>
        <dt>{words.planCosts}</dt>
        <dd>
          <RunCost cost={plan.cost} spent={asked ? undefined : privacy?.run} rules={rules} words={words} />
        </dd>
        <dt>{words.planStudy}</dt>
        <dd>{study(plan, words)}</dd>
        <dt>{words.planAuthor}</dt>
        <dd>
          {plan.author === undefined
            ? words.planUnsigned
            : filled(words.planSigned, { name: plan.author.name, key: plan.author.key.slice(0, 16) })}
        </dd>
      </dl>
      {asked ? (
        <>
          <p class="quiet">{words.planIntro}</p>
          <div class="acts">
            <button type="button" class="main" onClick={() => act({ type: 'approve' })}>
              {words.approve}
            </button>
            <button type="button" onClick={() => act({ type: 'decline' })}>
              {words.decline}
            </button>
          </div>
        </>
      ) : null}
    </Section>
  )
}

function computes({ algorithm, model, parameters, rounds }: PlanView, words: Words): string {
  const figures = { algorithm, model: model ?? '', parameters: String(parameters), rounds: String(rounds) }
  return filled(model === undefined ? words.planComputation : words.planTraining, figures)
}

function reads({ rows, columns, label }: PlanView, words: Words): string {
  const figures = { rows: String(rows), columns: columns.join(', '), count: String(columns.length) }
  return filled(label === undefined ? words.planColumns : words.planColumnsLabel, { ...figures, label: label ?? '' })
}

function study({ study: terms }: PlanView, words: Words): string {
  if (terms === undefined) return words.planNoStudy
  const use = terms.intendedUse === '' ? '' : ` ${filled(words.planUse, { use: terms.intendedUse })}`
  return `${filled(words.planTerms, { expires: terms.expires, terms: terms.terms })}${use}`
}

function Departures({ plan: { departures }, words }: { readonly plan: PlanView; readonly words: Words }) {
  return (
    <>
      <ul class="plain">
        {departures.map(({ purpose, numbers, bytes }) => (
          <li key={purpose}>
            <span lang="en">{purpose}</span>
            {': '}
            {numbers.map(({ name, length }) => `${name}${length === 1 ? '' : ` (${length})`}`).join(', ')}
            {`; ${bytesText(bytes)}`}
          </li>
        ))}
      </ul>
      <p class="quiet">{words.planMasked}</p>
    </>
  )
}
