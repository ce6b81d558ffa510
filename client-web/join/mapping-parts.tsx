/** Parts of the form about a file that any file may need: its units, its layout, its signs for missing. */

import type { Mapping } from '../../learning/data/mapping.ts'
import { filled, type Words } from '../shared/words.ts'
import type { WantedColumn } from '../worker/page-state.ts'
import { Choice } from './choice.tsx'
import { missingText, withMissingText, withUnit } from './draft.ts'

export interface PartProps {
  readonly draft: Mapping
  readonly change: (draft: Mapping) => void
  readonly words: Words
}

export interface ColumnPart extends PartProps {
  readonly column: WantedColumn
}

export function UnitChoice({ draft, change, words, column: { name, units } }: ColumnPart) {
  return (
    <Choice
      label={filled(words.mapUnit, { column: name })}
      value={draft.units[name] ?? units[0]}
      options={units.map((unit): [string, string] => [unit, unit])}
      choose={(unit) => change(withUnit(draft, name, unit === units[0] ? undefined : unit))}
    />
  )
}

export function Units({ draft, change, words, wanted }: PartProps & { readonly wanted: readonly WantedColumn[] }) {
  return (
    <div class="fields">
      {wanted
        .filter(({ units }) => units.length > 1)
        .map((column) => (
          <UnitChoice key={column.name} {...{ draft, change, words, column }} />
        ))}
    </div>
  )
}

const delimiters = [',', ';', '\t', '|', ' '] as const

export function Layout({ draft, change, words }: PartProps) {
  const { format } = draft
  const take = ({ currentTarget }: Event): void => {
    if (currentTarget instanceof HTMLInputElement) change(withMissingText(draft, currentTarget.value))
  }
  const names: Readonly<Record<string, string>> = { '\t': words.tab, ' ': words.space }
  return (
    <div class="fields">
      <Choice
        label={words.mapHeader}
        value={format.header === undefined ? '' : String(format.header)}
        options={[
          ['', words.asPlan],
          ['true', words.mapHeaderNames],
          ['false', words.mapHeaderNone],
        ]}
        choose={(chosen) => {
          const { header: _, ...rest } = format
          change({ ...draft, format: chosen === '' ? rest : { ...rest, header: chosen === 'true' } })
        }}
      />
      <Choice
        label={words.mapDelimiter}
        value={format.delimiter ?? ''}
        options={[['', words.asPlan], ...delimiters.map((sign): [string, string] => [sign, names[sign] ?? sign])]}
        choose={(chosen) => {
          const { delimiter: _, ...rest } = format
          const delimiter = delimiters.find((sign) => sign === chosen)
          change({ ...draft, format: delimiter === undefined ? rest : { ...rest, delimiter } })
        }}
      />
      <Choice
        label={words.mapDecimal}
        value={format.decimal ?? ''}
        options={[
          ['', words.asPlan],
          ['.', '.'],
          [',', ','],
        ]}
        choose={(chosen) => {
          const { decimal: _, ...rest } = format
          change({ ...draft, format: chosen === '.' || chosen === ',' ? { ...rest, decimal: chosen } : rest })
        }}
      />
      <label>
        <span>{words.mapMissingCodes}</span>
        <input type="text" value={missingText(draft)} onChange={take} />
      </label>
    </div>
  )
}
