/** The site's rules: what a person allows before anything runs. Without them nothing does. */

import { useState } from 'preact/hooks'
import { filled, type Words } from '../shared/words.ts'
import type { Rules } from '../worker/page-state.ts'
import type { SectionProps } from './app.tsx'
import { short } from './numbers.ts'
import { Section } from './section.tsx'

export function RulesSection({ state: { rules }, words, act }: SectionProps) {
  const [unprotected, setUnprotected] = useState(rules?.unprotected ?? false)
  const [largeModels, setLargeModels] = useState(rules?.largeModels ?? false)
  const [epsilon, setEpsilon] = useState(String(rules?.epsilon ?? 10))
  const [budget, setBudget] = useState(String(rules?.budget ?? ''))
  const [rows, setRows] = useState(String(rules?.minimumRows ?? 3))
  const submit = (event: Event): void => {
    event.preventDefault()
    // What leaves without noise is beyond every limit: the two cannot be had together.
    const limit = unprotected || budget === '' ? {} : { budget: Number(budget) }
    const figures = { epsilon: Number(epsilon), minimumRows: Number(rows) }
    act({ type: 'rules', rules: { unprotected, largeModels, ...figures, ...limit } })
  }
  return (
    <Section
      title={words.rulesTitle}
      state={rules === undefined ? 'open' : 'done'}
      fold={rules !== undefined}
      {...(rules === undefined ? {} : { summary: summaryOf(rules, words) })}
    >
      <form onSubmit={submit}>
        <p class="quiet">{words.rulesIntro}</p>
        <label class="row">
          <input type="checkbox" checked={unprotected} onChange={() => setUnprotected(!unprotected)} />
          <span>{words.rulesUnprotected}</span>
        </label>
        <label class="row">
          <input type="checkbox" checked={largeModels} onChange={() => setLargeModels(!largeModels)} />
          <span>{words.rulesLarge}</span>
        </label>
        <div class="fields">
          <Figure label={words.rulesEpsilon} min="0.001" step="any" value={epsilon} set={setEpsilon} required />
          <Figure
            label={words.rulesBudget}
            min="0.001"
            step="any"
            value={budget}
            set={setBudget}
            disabled={unprotected}
          />
          <Figure label={words.rulesRows} min="1" step="1" value={rows} set={setRows} required />
        </div>
        <div class="acts">
          <button type="submit" class="main">
            {words.rulesConfirm}
          </button>
        </div>
      </form>
    </Section>
  )
}

interface FigureProps {
  readonly label: string
  readonly min: string
  readonly step: string
  readonly value: string
  readonly set: (value: string) => void
  readonly required?: boolean
  readonly disabled?: boolean
}

function Figure({ label, set, ...input }: FigureProps) {
  const take = ({ currentTarget }: Event): void => {
    if (currentTarget instanceof HTMLInputElement) set(currentTarget.value)
  }
  return (
    <label>
      <span>{label}</span>
      <input type="number" onInput={take} {...input} />
    </label>
  )
}

function summaryOf({ unprotected, epsilon, budget, minimumRows }: Rules, words: Words): string {
  const figures = { epsilon: short(epsilon), rows: String(minimumRows), budget: String(budget ?? '') }
  const most = filled(budget === undefined ? words.rulesRun : words.rulesRunAndAll, figures)
  return unprotected ? `${words.rulesAllowed} ${most}` : most
}
