/** The rounds as they happen: how far the run is, what it costs, and the ways to pause or leave it. */

import { useState } from 'preact/hooks'
import { Scroll } from '../shared/scroll.tsx'
import { filled } from '../shared/words.ts'
import type { SectionProps } from './app.tsx'
import { RunCost } from './privacy.tsx'
import { save } from './save.ts'
import { Section } from './section.tsx'

/** What a person looks at first, where the computation has it. */
const usually = new Set(['trainingLoss', 'loss', 'auc', 'accuracy', 'epsilon', 'clip'])

export function RunSection(props: SectionProps) {
  const { state, words } = props
  const { phase, plan, rounds, privacy, rules } = state
  const underway = phase === 'running' || phase === 'paused'
  const done = Math.min(rounds.at(-1)?.round ?? 0, plan?.rounds ?? 0)
  return (
    <Section
      title={phase === 'finished' ? words.finishedTitle : words.runTitle}
      state={phase === 'finished' ? 'done' : 'open'}
      summary={statusOf(props)}
    >
      {underway && plan !== undefined ? (
        <>
          <progress max={plan.rounds} value={done} aria-label={words.runTitle} />
          <RunCost cost={plan.cost} spent={privacy?.run} rules={rules} words={words} />
        </>
      ) : null}
      <Rounds {...props} />
      {underway || state.journal !== undefined ? <Acts {...props} /> : null}
      {underway && plan !== undefined ? <Leave {...props} /> : null}
    </Section>
  )
}

function statusOf({ state: { phase, link, doing, plan, rounds, file }, words }: SectionProps): string | undefined {
  const offline = link === 'connected' ? undefined : words.offline
  switch (phase) {
    case 'paused':
      return words.paused
    case 'left':
      return words.left
    case 'leaving':
      return offline ?? words.leaving
    case 'finished':
      return filled(words.finishedRounds, { rounds: String(rounds.at(-1)?.round ?? 0) })
    case 'running': {
      if (offline !== undefined || doing === undefined) return offline ?? words.waitingRound
      const figures = { round: String(doing.round), rounds: String(plan?.rounds ?? ''), purpose: doing.purpose }
      return filled(words.doing, figures)
    }
    case 'review':
      return offline ?? words.waitingWord
    default:
      return offline ?? (file?.check.state === 'misfit' ? words.waitingFile : words.waitingRun)
  }
}

function Rounds({ state: { rounds }, words }: SectionProps) {
  const told = Object.keys(rounds.at(-1)?.metrics ?? {})
  const usual = told.filter((name) => usually.has(name))
  const shown = usual.length > 0 ? usual : told.slice(0, 4)
  if (rounds.length === 0) return null
  return (
    <Scroll name={words.runTitle}>
      <table>
        <thead>
          <tr>
            <th scope="col">{words.round}</th>
            <th scope="col">{words.sites}</th>
            {shown.map((name) => (
              <th scope="col" key={name} lang="en">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rounds.map(({ round, sites, metrics }) => (
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
  )
}

function Acts({ state: { phase, journal }, words, act }: SectionProps) {
  return (
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
      {journal === undefined ? null : (
        <button type="button" onClick={() => save('journal.jsonl', journal.file)}>
          {filled(words.journalDownload, { entries: String(journal.entries) })}
        </button>
      )}
    </div>
  )
}

function Leave({ words, act }: SectionProps) {
  const [reason, setReason] = useState('')
  const take = ({ currentTarget }: Event): void => {
    if (currentTarget instanceof HTMLInputElement) setReason(currentTarget.value)
  }
  return (
    <details class="quietly">
      <summary>{words.leave}</summary>
      <p>{words.leaveMeans}</p>
      <label>
        <span>{words.leaveReason}</span>
        <input class="long" type="text" maxLength={500} value={reason} onInput={take} />
      </label>
      <div class="acts">
        <button
          type="button"
          class="grave"
          disabled={reason.trim() === ''}
          onClick={() => act({ type: 'leave', reason: reason.trim() })}
        >
          {words.leaveSure}
        </button>
      </div>
    </details>
  )
}
