/** The rounds: a timeline of all, and a table of those that fit, with who was absent and why. */

import { scaleLinear } from 'd3-scale'
import { useState } from 'preact/hooks'
import { Scroll } from '../shared/scroll.tsx'
import type { Absence } from './answers.ts'
import { bytes, figure, instant } from './format.ts'
import { barsOf, type PhaseTime, type RoundRow } from './rounds.ts'
import type { RunProps } from './run-section.tsx'
import type { Words } from './words.ts'

/** Rounds of one page of the table. */
const pageRows = 12

export function RoundsSection({ rows, words, language }: RunProps) {
  const [page, setPage] = useState(0)
  const pages = Math.ceil(rows.length / pageRows)
  const shown = rows.toReversed().slice(page * pageRows, (page + 1) * pageRows)
  return (
    <section>
      <h2>{words.roundsTitle}</h2>
      {rows.length === 0 ? <p class="quiet">{words.roundsNone}</p> : <Timeline rows={rows} words={words} />}
      {rows.some(({ measured }) => measured !== undefined && measured.phases.length > 0) ? (
        <Legend words={words} />
      ) : null}
      {rows.some(({ measured }) => measured === undefined) ? <p class="quiet small">{words.unmeasured}</p> : null}
      {rows.length === 0 ? null : (
        <Scroll name={words.roundsTitle}>
          <table>
            <thead>
              <tr>
                <th scope="col">{words.round}</th>
                <th scope="col">{words.purpose}</th>
                <th scope="col">{words.sites}</th>
                <th scope="col">{words.absent}</th>
                <th scope="col">{words.seconds}</th>
                <th scope="col">{words.received}</th>
                <th scope="col">{words.sent}</th>
                <th scope="col">{words.at}</th>
              </tr>
            </thead>
            <tbody>
              {shown.map(({ round, purpose, sites, absent, measured, at }) => (
                <tr key={round}>
                  <td>{round}</td>
                  <td lang="en">{purpose}</td>
                  <td>{sites.length}</td>
                  <td>
                    <Absences absent={absent} />
                  </td>
                  <td>
                    {measured === undefined ? '–' : figure(measured.seconds)}
                    <Phases of={measured?.phases ?? []} words={words} />
                  </td>
                  <td>{measured === undefined ? '–' : bytes(measured.bytesUp)}</td>
                  <td>{measured === undefined ? '–' : bytes(measured.bytesDown)}</td>
                  <td class="quiet">{instant(at, language)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
      {pages > 1 ? (
        <div class="acts">
          <button type="button" disabled={page === 0} onClick={() => setPage(page - 1)}>
            {words.newer}
          </button>
          <button type="button" disabled={page >= pages - 1} onClick={() => setPage(page + 1)}>
            {words.older}
          </button>
        </div>
      ) : null}
    </section>
  )
}

/** In the order in which a round has them (SPEC.md, the table of the secure sum). */
const phases = ['depositing', 'collecting', 'agreeing', 'revealing'] as const

/** The phase in words; one that this page does not know stays as it was told. */
export function phaseName(phase: string, words: Words): string {
  const known = phases.find((each) => each === phase)
  return known === undefined ? phase : words[known]
}

const Legend = ({ words }: { readonly words: Words }) => (
  <p class="legend quiet small">
    {phases.map((phase) => (
      <span key={phase}>
        <svg class="phases" viewBox="0 0 1 1" aria-hidden="true">
          <rect width="1" height="1" class={phase} />
        </svg>
        {words[phase]}
      </span>
    ))}
  </p>
)

/** How a round's time went: a strip to see, and words to read out. */
function Phases({ of, words }: { readonly of: readonly PhaseTime[]; readonly words: Words }) {
  const whole = of.reduce((sum, { seconds }) => sum + seconds, 0)
  if (whole <= 0) return null
  let from = 0
  return (
    <svg class="phases" viewBox="0 0 100 1" preserveAspectRatio="none" role="img" aria-label={phasesText(of, words)}>
      <title>{phasesText(of, words)}</title>
      {of.map(({ phase, seconds }) => {
        const width = (100 * seconds) / whole
        from += width
        return <rect key={phase} x={from - width} y="0" width={width} height="1" class={phase} />
      })}
    </svg>
  )
}

const phasesText = (of: readonly PhaseTime[], words: Words): string =>
  of.map(({ phase, seconds }) => `${phaseName(phase, words)} ${figure(seconds)} s`).join(', ')

function Absences({ absent }: { readonly absent: readonly Absence[] }) {
  if (absent.length === 0) return '–'
  return (
    <details>
      <summary>{absent.length === 1 ? absent[0]?.site : absent.length}</summary>
      <ul class="why small" lang="en">
        {absent.map(({ site, code, reason }) => (
          <li key={site}>
            {site}: {code} {reason}
          </li>
        ))}
      </ul>
    </details>
  )
}

const width = 720
const height = 72
/** Bars that can be told apart on a screen. */
const mostBars = 180

function Timeline({ rows, words }: { readonly rows: readonly RoundRow[]; readonly words: Words }) {
  const bars = barsOf(rows, mostBars)
  const y = scaleLinear([0, Math.max(0.001, ...bars.map(({ seconds }) => seconds))], [8, height])
  const step = width / Math.max(bars.length, 24)
  return (
    <figure>
      <svg
        class="timeline"
        viewBox={`0 0 ${width} ${height}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={words.timeline}
      >
        <defs>
          <pattern id="striped" width="4" height="4" patternUnits="userSpaceOnUse">
            <path d="M0 4 4 0" class="stripe" />
          </pattern>
        </defs>
        {bars.map(({ from, seconds, absent }, i) => {
          const tall = y(seconds)
          const bar = { x: i * step, y: height - tall, width: step * 0.85, height: tall }
          // One of many is seen too.
          const missing = { ...bar, height: Math.min(tall, Math.max(4, tall * absent)) }
          return (
            <g key={from}>
              <rect {...bar} class="whole" />
              {absent === 0 ? null : (
                <>
                  <rect {...missing} class="short" />
                  <rect {...missing} fill="url(#striped)" />
                </>
              )}
            </g>
          )
        })}
      </svg>
      <figcaption class="quiet small">{words.timeline}</figcaption>
    </figure>
  )
}
