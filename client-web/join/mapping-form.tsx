/** How a file differs from the plan, said by the person who knows it: other names, units, codes, and what means missing. */

import { useState } from 'preact/hooks'
import type { Misfit } from '../../learning/data/misfits.ts'
import type { Survey } from '../../learning/data/survey.ts'
import { filled, type Words } from '../shared/words.ts'
import type { Act, FileView, WantedColumn } from '../worker/page-state.ts'
import { Choice } from './choice.tsx'
import { isMissing, renamedTo, withCode, withMissing, withName } from './draft.ts'
import { type ColumnPart, Layout, type PartProps, UnitChoice, Units } from './mapping-parts.tsx'
import { save } from './save.ts'

export interface MappingFormProps {
  readonly file: FileView
  /** What does not fit; absent where all does, and a person says more. */
  readonly survey: Survey | undefined
  readonly words: Words
  readonly act: (act: Act) => void
}

export function MappingForm({ file, survey, words, act }: MappingFormProps) {
  const { mapping } = file
  const [draft, change] = useState(mapping?.proposed)
  if (mapping === undefined || draft === undefined) return null
  const part = { draft, change, words }
  const submit = (event: Event): void => {
    event.preventDefault()
    act({ type: 'map', mapping: draft })
  }
  const { yaml, wanted } = mapping
  const misfits = survey?.misfits ?? []
  const columns = [...new Set(misfits.map(({ column }) => column))]
  return (
    <form class="mapping" onSubmit={submit}>
      <p class="quiet">{words.mapMeans}</p>
      <Names {...part} survey={survey} />
      {columns.map((name) => (
        <MisfitColumn
          key={name}
          {...part}
          misfits={misfits.filter(({ column }) => column === name)}
          column={wanted.find((each) => each.name === name)}
        />
      ))}
      <details class="quietly" open={survey?.names.length === 1}>
        <summary>{words.mapOther}</summary>
        <Layout {...part} />
        <Units {...part} wanted={wanted.filter(({ name }) => !columns.includes(name))} />
      </details>
      <div class="acts">
        <button type="submit" class="main">
          {words.mapApply}
        </button>
        {yaml === undefined ? null : (
          <button type="button" onClick={() => save('mapping.yaml', yaml)}>
            {words.mappingDownload}
          </button>
        )}
      </div>
    </form>
  )
}

/** Columns that the file names otherwise, and those of the file that nobody asked for. */
function Names({ draft, change, words, survey }: PartProps & { readonly survey: Survey | undefined }) {
  const [absent, unknown] = [survey?.absent ?? [], survey?.unknown ?? []]
  const columns = [...new Set([...absent, ...Object.values(draft.rename)])]
  const names = [...new Set([...unknown, ...Object.keys(draft.rename)])]
  const left = unknown.filter((name) => !Object.hasOwn(draft.rename, name))
  if (columns.length + unknown.length === 0) return null
  return (
    <fieldset>
      <legend>{words.mapNames}</legend>
      <div class="fields">
        {columns.map((column) => (
          <Choice
            key={column}
            label={filled(words.mapName, { column })}
            value={renamedTo(draft, column) ?? ''}
            options={[['', words.mapNoName], ...names.map((name): [string, string] => [name, name])]}
            choose={(name) => change(withName(draft, column, name))}
          />
        ))}
      </div>
      {left.length === 0 && draft.ignore !== '*' ? null : (
        <label class="row">
          <input
            type="checkbox"
            checked={draft.ignore === '*'}
            onChange={() => change({ ...draft, ignore: draft.ignore === '*' ? [] : '*' })}
          />
          <span>{filled(words.mapIgnore, { names: left.slice(0, 12).join(', ') || '–' })}</span>
        </label>
      )}
    </fieldset>
  )
}

/** Most values for which a choice is drawn: codes are few, and of numbers only some are codes. */
const drawn = { codes: 12, numbers: 4 } as const

interface MisfitProps extends PartProps {
  readonly misfits: readonly Misfit[]
  readonly column: WantedColumn | undefined
}

function MisfitColumn({ draft, change, words, misfits, column }: MisfitProps) {
  if (column === undefined) return null
  const { name, units } = column
  const ofValues = misfits.flatMap(({ code, values }) => (code === 'ERR_DATA_LABEL_ONE_CLASS' ? [] : values))
  const oneClass = ofValues.length === 0
  const most = column.codes.length > 0 ? drawn.codes : drawn.numbers
  const inUnits = misfits.some(({ code }) => code === 'ERR_DATA_RANGE' || code === 'ERR_DATA_INTEGER')
  return (
    <fieldset>
      <legend>{name}</legend>
      {misfits.map(({ code, count, first }) => (
        <p key={code}>
          {filled(reasonOf(code, words), { count: String(count) })}{' '}
          <span class="quiet small wrap" lang="en">
            {first}
          </span>
        </p>
      ))}
      {inUnits && units.length > 1 ? (
        <div class="fields">
          <UnitChoice {...{ draft, change, words, column }} />
        </div>
      ) : null}
      {oneClass ? (
        <label class="row">
          <input
            type="checkbox"
            checked={draft.oneClass}
            onChange={() => change({ ...draft, oneClass: !draft.oneClass })}
          />
          <span>{words.mapOneClass}</span>
        </label>
      ) : (
        <div class="fields">
          {ofValues.slice(0, most).map(({ value, count }) => (
            <ValueChoice key={value} {...{ draft, change, words, column, value, count }} />
          ))}
        </div>
      )}
      {ofValues.length > most ? (
        <p class="quiet">{filled(words.mapMore, { count: String(ofValues.length - most) })}</p>
      ) : null}
    </fieldset>
  )
}

function reasonOf(code: string, words: Words): string {
  switch (code) {
    case 'ERR_DATA_CATEGORY':
      return words.misfitCategory
    case 'ERR_DATA_RANGE':
      return words.misfitRange
    case 'ERR_DATA_INTEGER':
      return words.misfitInteger
    case 'ERR_DATA_NUMBER':
      return words.misfitNumber
    case 'ERR_DATA_LABEL_MISSING':
      return words.misfitLabel
    case 'ERR_DATA_LABEL_ONE_CLASS':
      return words.misfitOneClass
    default:
      return words.misfitType
  }
}

function ValueChoice({
  draft,
  change,
  words,
  column: { name, codes },
  value,
  count,
}: ColumnPart & { readonly value: string; readonly count: number }) {
  const missing = '\0missing'
  const given = draft.categories[name]?.[value]
  const choose = (chosen: string): void => {
    const coded = withCode(draft, { column: name, value, code: chosen === missing ? '' : chosen })
    change(withMissing(coded, value, chosen === missing))
  }
  return (
    <Choice
      label={filled(value === '' ? words.mapEmpty : words.mapValue, { value, count: String(count) })}
      value={isMissing(draft, value) ? missing : (given ?? '')}
      options={[
        ['', codes.length === 0 ? words.mapNumber : words.mapNothing],
        ...codes.map((code): [string, string] => [code, code]),
        [missing, words.mapMissing],
      ]}
      choose={choose}
    />
  )
}
