/** The run that is open: how it stands, and what an operator can do about it. */

import type { RunSummary } from './answers.ts'
import type { SectionProps } from './app.tsx'
import type { RoundRow } from './rounds.ts'
import { phaseName } from './rounds-section.tsx'
import type { Change, RunView } from './state.ts'
import type { Words } from './words.ts'

export interface RunProps extends SectionProps {
  readonly run: RunView
  readonly rows: readonly RoundRow[]
}

/** What may be done to a run, by its status. */
const changes: Readonly<Record<RunSummary['status'], readonly Change[]>> = {
  queued: ['pause', 'stop'],
  running: ['pause', 'stop'],
  waiting: ['pause', 'stop'],
  paused: ['resume', 'stop'],
  finished: [],
  failed: [],
  stopped: [],
}

export function RunSection({ state: { runs, role }, run, words, act }: RunProps) {
  const summary = runs?.find(({ id }) => id === run.id)
  if (summary === undefined) return runs === undefined ? null : <p role="alert">{words.runGone}</p>
  const { id, name, status, missing, code, reason } = summary
  const change = (wanted: Change): void => {
    if (wanted !== 'stop' || globalThis.confirm(words.stopSure)) act({ type: 'change', id, change: wanted })
  }
  return (
    <section data-testid="run">
      <h2>{name}</h2>
      <dl>
        <dt>{words.status}</dt>
        <dd>
          <span role="status" class={`status ${status}`}>
            {words[status]}
          </span>
        </dd>
        <Now {...{ status, run, words }} />
        {missing.length === 0 ? null : (
          <>
            <dt>{words.missing}</dt>
            <dd>{missing.join(', ')}</dd>
          </>
        )}
        {code === '' ? null : (
          <>
            <dt>{code}</dt>
            <dd>{reason}</dd>
          </>
        )}
        <dt>ID</dt>
        <dd>
          <code>{id}</code>
        </dd>
      </dl>
      {role === 'operator' && changes[status].length > 0 ? (
        <div class="acts">
          {changes[status].map((wanted) => (
            <button key={wanted} type="button" onClick={() => change(wanted)}>
              {words[wanted]}
            </button>
          ))}
        </div>
      ) : null}
    </section>
  )
}

/** The phase of the round that is under way, or why one is made again. */
function Now({
  status,
  run: { now },
  words,
}: {
  readonly status: RunSummary['status']
  readonly run: RunView
  readonly words: Words
}) {
  if (status !== 'running' && status !== 'waiting') return null
  if (now?.type === 'phase')
    return (
      <>
        <dt>{words.phase}</dt>
        <dd>
          {words.round} {now.round}, {phaseName(now.phase, words)}, {now.sites} {words.sites.toLowerCase()}
        </dd>
      </>
    )
  if (now?.type !== 'retry') return null
  return (
    <>
      <dt>{words.retry}</dt>
      <dd>
        {now.code} <span lang="en">{now.reason}</span>
      </dd>
    </>
  )
}
