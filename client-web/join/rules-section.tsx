/** The site's rules: what a person allows before anything runs. Without them nothing does. */

import { useState } from 'preact/hooks'
import type { SectionProps } from './app.tsx'

export function RulesSection({ state: { rules }, words, act }: SectionProps) {
  const [unprotected, setUnprotected] = useState(rules?.unprotected ?? false)
  const [epsilon, setEpsilon] = useState(String(rules?.epsilon ?? 10))
  const [rows, setRows] = useState(String(rules?.minimumRows ?? 3))
  const ready = Number(epsilon) > 0 && Number.isInteger(Number(rows)) && Number(rows) >= 1
  const textOf = (event: Event): string =>
    event.currentTarget instanceof HTMLInputElement ? event.currentTarget.value : ''
  return (
    <section data-state={rules === undefined ? 'open' : 'done'}>
      <h2>{words.rulesTitle}</h2>
      <p class="quiet">{words.rulesIntro}</p>
      <label class="row">
        <input type="checkbox" checked={unprotected} onChange={() => setUnprotected(!unprotected)} />
        <span>{words.rulesUnprotected}</span>
      </label>
      <label class="row">
        <input type="number" min="0" step="any" value={epsilon} onInput={(event) => setEpsilon(textOf(event))} />
        <span>{words.rulesEpsilon}</span>
      </label>
      <label class="row">
        <input type="number" min="1" step="1" value={rows} onInput={(event) => setRows(textOf(event))} />
        <span>{words.rulesRows}</span>
      </label>
      <div class="acts">
        <button
          type="button"
          class="main"
          disabled={!ready}
          onClick={() =>
            act({ type: 'rules', rules: { unprotected, epsilon: Number(epsilon), minimumRows: Number(rows) } })
          }
        >
          {words.rulesConfirm}
        </button>
      </div>
    </section>
  )
}
