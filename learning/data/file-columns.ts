/** Which field of a record holds which column of the plan. */

import { InputError } from '../../protocol/errors.ts'
import { suggestion } from '../../protocol/plan.ts'
import type { DataSchema } from '../../protocol/schema.ts'
import { fileFormat, type Mapping } from './mapping.ts'

/** A file's columns in its own order and under its own names. */
export interface FileColumns {
  /** The file's name, for messages. */
  readonly source: string
  readonly names: readonly string[]
}

/** The columns of a file without a header. */
export function declaredColumns(schema: DataSchema, mapping: Mapping): readonly string[] {
  const { order } = fileFormat(schema, mapping)
  return order ?? [...schema.columns.map((column) => column.name), ...beside(schema)]
}

/** The field of each column the plan wants. @throws InputError ERR_DATA_COLUMN_TWICE, _UNKNOWN, _MISSING */
export function fieldsByName(schema: DataSchema, mapping: Mapping, file: FileColumns): ReadonlyMap<string, number> {
  const { fields, absent, unknown } = matchColumns(schema, mapping, file)
  if (unknown.length > 0) throw unknownColumn(file.source, unknown[0], wantedColumns(schema))
  if (absent.length > 0) throw missingColumns(file, absent)
  return fields
}

export interface Matching {
  readonly fields: ReadonlyMap<string, number>
  /** Columns of the plan that the file lacks. */
  readonly absent: readonly string[]
  /** Columns of the file, under its own names, that neither plan nor mapping speaks of. */
  readonly unknown: readonly string[]
}

/** @throws InputError ERR_DATA_COLUMN_TWICE */
export function matchColumns(schema: DataSchema, mapping: Mapping, file: FileColumns): Matching {
  const wanted = wantedColumns(schema)
  const ignored = schema.columns.filter((column) => column.type === 'ignore').map((column) => column.name)
  const fields = new Map<string, number>()
  const unknown: string[] = []
  for (const [field, inFile] of file.names.entries()) {
    const name = Object.hasOwn(mapping.rename, inFile) ? mapping.rename[inFile] : inFile
    if (!wanted.includes(name)) {
      const passed = ignored.includes(name) || mapping.ignore === '*' || mapping.ignore.includes(inFile)
      if (!passed) unknown.push(inFile)
      continue
    }
    const earlier = fields.get(name)
    if (earlier !== undefined) {
      const message = `the column "${name}" stands twice: fields ${earlier + 1} and ${field + 1}`
      throw new InputError('ERR_DATA_COLUMN_TWICE', message, file.source)
    }
    fields.set(name, field)
  }
  return { fields, absent: wanted.filter((name) => !fields.has(name)), unknown }
}

function wantedColumns(schema: DataSchema): string[] {
  const columns = schema.columns.filter((column) => column.type !== 'ignore').map((column) => column.name)
  return [...columns, ...beside(schema)]
}

/** The columns that are no features. */
const beside = ({ label, patient }: DataSchema): string[] => [
  ...(label ? [label.column] : []),
  ...(patient ? [patient.column] : []),
]

function unknownColumn(source: string, name: string, wanted: readonly string[]): InputError {
  const near = suggestion(name, wanted)
  const advice = 'rename it or list it under `ignore` in the mapping of this site'
  return new InputError('ERR_DATA_COLUMN_UNKNOWN', `the plan has no column "${name}"${near}; ${advice}`, source)
}

function missingColumns(file: FileColumns, absent: readonly string[]): InputError {
  const names = absent.map((name) => `"${name}"`).join(', ')
  const found = file.names.slice(0, 20).map((name) => `"${name}"`)
  const message = `expected the column${absent.length > 1 ? 's' : ''} ${names}; found ${found.join(', ')}`
  return new InputError('ERR_DATA_COLUMN_MISSING', message, file.source)
}
