/** The file: chosen here, read here, and what of it fits the plan, column by column. */

import { useState } from 'preact/hooks'
import { filled, type Words } from '../shared/words.ts'
import type { ColumnView, FileView } from '../worker/page-state.ts'
import type { SectionProps } from './app.tsx'
import { MappingForm } from './mapping-form.tsx'
import { bytesText, percent } from './numbers.ts'
import { Pick } from './pick.tsx'
import { save } from './save.ts'
import { Section } from './section.tsx'

export function FileSection(props: SectionProps) {
  const { state, words, act } = props
  const { file, phase } = state
  const [remember, setRemember] = useState(false)
  const fold = file?.check.state === 'fits' && phase !== 'review' && phase !== 'enrolled'
  return (
    <Section
      title={words.fileTitle}
      state={file?.check.state === 'fits' ? 'done' : 'open'}
      summary={file === undefined ? undefined : statusOf(file, words)}
      fold={fold}
    >
      {file === undefined ? null : <Check {...props} file={file} />}
      <div class="picks">
        <Pick label={words.choose} testId="file" onPick={(picked) => act({ type: 'choose', picked, remember })} />
        <Pick
          label={words.chooseFolder}
          folder
          testId="folder"
          onPick={(picked) => act({ type: 'choose', picked, remember })}
        />
      </div>
      <label class="row">
        <input type="checkbox" checked={remember} onChange={() => setRemember(!remember)} />
        <span class="small">{words.remember}</span>
      </label>
    </Section>
  )
}

function statusOf({ name, bytes, files, check }: FileView, words: Words): string | undefined {
  const figures = { name, size: bytesText(bytes), files: String(files) }
  const what = filled(files === 1 ? words.oneFile : words.manyFiles, figures)
  switch (check.state) {
    case 'waiting':
      return `${what}. ${words.waitingPlan}`
    case 'reading':
      return `${words.reading} ${what}`
    case 'misfit':
      return undefined
    case 'fits': {
      const skipped = check.skipped > 0 ? `, ${filled(words.skipped, { rows: String(check.skipped) })}` : ''
      return `${words.fits}: ${filled(words.rows, { rows: String(check.rows) })}${skipped}`
    }
  }
}

interface CheckProps extends SectionProps {
  readonly file: FileView
}

function Check({ file, state, words, act }: CheckProps) {
  const { check, mapping } = file
  const key = JSON.stringify(mapping?.proposed)
  if (check.state === 'reading') return <progress max={1} value={check.share} aria-label={words.reading} />
  if (check.state === 'misfit')
    return (
      <>
        <div class="fault" role="alert">
          <p>
            <strong>{words.misfit}</strong> <span class="quiet small">{check.code}</span>
          </p>
          {check.reason === '' ? null : <p lang="en">{check.reason}</p>}
          <p class="quiet">{words.misfitAdvice}</p>
        </div>
        <MappingForm key={key} {...{ file, words, act }} survey={check.survey} />
      </>
    )
  if (check.state !== 'fits') return null
  const yaml = mapping?.yaml
  return (
    <>
      <ul class="columns">
        {check.columns.map((column) => (
          <Column key={column.name} column={column} words={words} />
        ))}
      </ul>
      {yaml === undefined ? null : (
        <div class="acts">
          <span class="grow quiet">{words.mapped}</span>
          <button type="button" onClick={() => save('mapping.yaml', yaml)}>
            {words.mappingDownload}
          </button>
        </div>
      )}
      {state.phase === 'review' || state.phase === 'enrolled' ? (
        <details class="quietly">
          <summary>{words.mapTitle}</summary>
          <MappingForm key={key} {...{ file, words, act }} survey={undefined} />
        </details>
      ) : null}
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
      <svg
        viewBox={`0 0 ${width} ${height}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${column.name}: ${column.from} – ${column.to}`}
      >
        {column.bars.map((bar, i) => (
          <rect key={i} x={i * step} y={height * (1 - bar)} width={step * 0.9} height={height * bar} />
        ))}
      </svg>
      <div class="ends quiet small">
        <span>{column.from}</span>
        <span>{column.to}</span>
      </div>
      <div class="quiet small">
        {column.kind === 'number' ? words.kindNumber : words.kindCategory}
        {column.missing > 0 ? `, ${filled(words.missing, { share: percent(column.missing) })}` : ''}
      </div>
    </li>
  )
}
