/** The file: chosen here, read here, and what of it fits the plan, column by column. */

import { useState } from 'preact/hooks'
import type { Words } from '../shared/words.ts'
import type { ColumnView, FileView } from '../worker/page-state.ts'
import type { SectionProps } from './app.tsx'

export function FileSection({ state: { file }, words, act }: SectionProps) {
  const [remember, setRemember] = useState(false)
  const choose = (event: Event): void => {
    const input = event.currentTarget
    const chosen = input instanceof HTMLInputElement ? input.files?.[0] : undefined
    if (chosen !== undefined) act({ type: 'choose', file: chosen, remember })
  }
  return (
    <section data-state={file?.check.state === 'fits' ? 'done' : 'open'}>
      <h2>{words.fileTitle}</h2>
      <label class="row">
        <input type="checkbox" checked={remember} onChange={() => setRemember(!remember)} />
        <span class="small">{words.remember}</span>
      </label>
      <label>
        <span>{words.choose}</span>
        <br />
        <input type="file" accept=".csv,.txt,.tsv,text/csv" onChange={choose} />
      </label>
      {file === undefined ? null : <Check file={file} words={words} />}
    </section>
  )
}

function Check({ file: { name, bytes, check }, words }: { readonly file: FileView; readonly words: Words }) {
  const size = `${name}, ${(bytes / 1e6).toFixed(1)} MB`
  if (check.state === 'waiting')
    return (
      <p class="quiet" role="status">
        {size}. {words.waitingPlan}
      </p>
    )
  if (check.state === 'reading')
    return (
      <p role="status">
        {words.reading} {size}
        <progress max={1} value={check.share} aria-label={words.reading} />
      </p>
    )
  if (check.state === 'misfit')
    return (
      <div class="fault" role="alert">
        <p>
          <strong>{words.misfit}</strong>: {check.reason}
        </p>
        <p class="quiet">{words.misfitAdvice}</p>
        <p class="quiet small">{check.code}</p>
      </div>
    )
  return (
    <>
      <p role="status">
        {words.fits}: {check.rows} {words.rows}
        {check.skipped > 0 ? `, ${check.skipped} ${words.skipped}` : ''}
      </p>
      <ul class="columns">
        {check.columns.map((column) => (
          <Column key={column.name} column={column} words={words} />
        ))}
      </ul>
    </>
  )
}

const width = 100
const height = 40

function Column({ column, words }: { readonly column: ColumnView; readonly words: Words }) {
  const step = width / column.bars.length
  return (
    <li>
      <div class="name">{column.name}</div>
      <svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" role="img" aria-label={column.name}>
        {column.bars.map((bar, i) => (
          <rect key={i} x={i * step} y={height * (1 - bar)} width={step * 0.9} height={height * bar} />
        ))}
      </svg>
      <div class="ends quiet small">
        <span>{column.from}</span>
        <span>{column.to}</span>
      </div>
      <div class="quiet small">
        {(100 * column.missing).toFixed(column.missing > 0 && column.missing < 0.1 ? 1 : 0)} % {words.missing}
      </div>
    </li>
  )
}
