/** The rounds as they happen, and the model at their end. */

import { Scroll } from '../shared/scroll.tsx'
import type { SectionProps } from './app.tsx'

/** What a person looks at first, where the computation has it. */
const usually = new Set(['trainingLoss', 'loss', 'auc', 'accuracy', 'epsilon', 'clip'])

export function RunSection({ state, words, act }: SectionProps) {
  const { phase, link, doing, rounds } = state
  const told = Object.keys(rounds.at(-1)?.metrics ?? {})
  const usual = told.filter((name) => usually.has(name))
  const shown = usual.length > 0 ? usual : told.slice(0, 4)
  const status =
    phase === 'paused'
      ? words.paused
      : link !== 'connected'
        ? words.offline
        : (doing ?? (phase === 'enrolled' ? words.waitingRun : undefined))
  return (
    <section data-state={phase === 'finished' ? 'done' : 'open'}>
      <h2>{phase === 'finished' ? words.finishedTitle : words.runTitle}</h2>
      {phase === 'finished' ? null : <p role="status">{status}</p>}
      {rounds.length === 0 ? null : (
        <Scroll name={words.runTitle}>
          <table>
            <thead>
              <tr>
                <th scope="col">{words.round}</th>
                <th scope="col">{words.sites}</th>
                {shown.map((name) => (
                  <th scope="col" key={name}>
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rounds.slice(-8).map(({ round, sites, metrics }) => (
                <tr key={round}>
                  <td>{round}</td>
                  <td>{sites}</td>
                  {shown.map((name) => (
                    <td key={name}>{metrics[name]?.toPrecision(4) ?? ''}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
      <div class="acts">
        {phase === 'running' ? (
          <button type="button" onClick={() => act({ type: 'pause' })}>
            {words.pause}
          </button>
        ) : null}
        {phase === 'paused' ? (
          <button type="button" class="main" onClick={() => act({ type: 'resume' })}>
            {words.resume}
          </button>
        ) : null}
      </div>
    </section>
  )
}
