/** A part of the page: open while something is to be done in it, and folded to one line once it is done. */

import type { ComponentChildren } from 'preact'

export interface SectionFrame {
  readonly title: string
  /** `open` asks for something; `done` needs no more looking at. */
  readonly state?: 'open' | 'done'
  /** One line that stays to be seen when the rest is folded away. */
  readonly summary?: ComponentChildren
  readonly fold?: boolean
  readonly children?: ComponentChildren
}

export function Section({ title, state, summary, fold = false, children }: SectionFrame) {
  if (!fold)
    return (
      <section data-state={state}>
        <h2>{title}</h2>
        {summary === undefined ? null : <p role="status">{summary}</p>}
        {children}
      </section>
    )
  return (
    <section data-state={state}>
      <details class="fold">
        <summary>
          <span class="grow">
            <h2>{title}</h2>
            {summary === undefined ? null : <span class="quiet">{summary}</span>}
          </span>
        </summary>
        {children}
      </details>
    </section>
  )
}
