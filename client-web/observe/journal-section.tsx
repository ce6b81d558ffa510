/** The journal in short: its head to compare, who has signed it, and what the run has cost. */

import { siteRows } from './rounds.ts'
import type { RunProps } from './run-section.tsx'

export function JournalSection({ run: { journal }, rows, words }: RunProps) {
  if (journal === undefined) return null
  const { entries, head, privacy } = journal
  const signed = siteRows(rows, journal).map((site) => site.signed)
  return (
    <section>
      <h2>{words.journalTitle}</h2>
      <dl>
        <dt>{words.entries}</dt>
        <dd>{entries}</dd>
        <dt>{words.countersigned}</dt>
        <dd data-testid="signed">
          {signed.filter((rounds) => rounds > 0).length} {words.of} {signed.length}
        </dd>
        <dt>{words.signedByAll}</dt>
        <dd>
          {signed.length === 0 ? 0 : Math.min(...signed)} {words.of} {rows.length}
        </dd>
        <dt>{words.privacy}</dt>
        <dd>
          {privacy === undefined
            ? words.noNoise
            : privacy.epsilon === null
              ? words.unbounded
              : `ε ${privacy.epsilon.toPrecision(4)}, δ ${privacy.delta.toExponential(1)}, ${words[privacy.unit]}`}
        </dd>
        <dt>{words.head}</dt>
        <dd>
          <code>{head}</code>
        </dd>
      </dl>
      <p class="quiet small">{words.headAdvice}</p>
    </section>
  )
}
