/** What a site says about its own file: other names, units, codes and layout than the plan's. It never leaves the site. */

import * as z from 'zod'
import { InputError } from '../../protocol/errors.ts'
import { check, suggestion } from '../../protocol/plan.ts'
import { codes, type DataSchema, type FileFormat, formatSchema } from '../../protocol/schema.ts'

const name = z.string().min(1).max(200)
const { header, delimiter, decimal, order } = formatSchema.shape

const mappingSchema = z.strictObject({
  /** Where the file's layout differs from the plan's. */
  format: z
    .strictObject({
      header: header.unwrap().optional(),
      delimiter: delimiter.unwrap().optional(),
      decimal: decimal.unwrap().optional(),
      order,
    })
    .default({}),
  /** The file's column name -> the plan's. */
  rename: z.record(name, name).default({}),
  /** Columns of the file to read past; `*` for all that the plan does not name. */
  ignore: z.union([z.literal('*'), z.array(name)]).default([]),
  /** The plan's column name -> the unit in which this file records it. */
  units: z.record(name, z.string()).default({}),
  /** The plan's column name -> the file's code -> the plan's code. */
  categories: z.record(name, z.record(z.string(), z.string())).default({}),
  /** Codes that mean "missing" in this file, beside the plan's. */
  missing: codes.default([]),
  /** Says that a label with a single class is no mistake of this file. */
  oneClass: z.boolean().default(false),
})

export type Mapping = z.infer<typeof mappingSchema>

/** Checks a site's mapping against the plan's schema. @throws InputError ERR_MAPPING: every fault with its path. */
export function parseMapping(value: unknown, schema: DataSchema): Mapping {
  const mapping = check(mappingSchema, value, [], 'ERR_MAPPING')
  for (const [from, to] of Object.entries(mapping.rename)) known(schema, to, `rename.${from}`)
  for (const column of Object.keys(mapping.units)) known(schema, column, `units.${column}`)
  for (const column of Object.keys(mapping.categories)) known(schema, column, `categories.${column}`)
  return mapping
}

/** What of a mapping concerns other data of the same site: rows to predict, which have no label. */
export function mappingFor(schema: DataSchema, { rename, units, categories, ...rest }: Mapping): Mapping {
  const names = columnNames(schema)
  const only = <T>(entries: Readonly<Record<string, T>>): Record<string, T> =>
    Object.fromEntries(Object.entries(entries).filter(([column]) => names.includes(column)))
  const renamed = Object.fromEntries(Object.entries(rename).filter(([, column]) => names.includes(column)))
  return { ...rest, rename: renamed, units: only(units), categories: only(categories) }
}

/** The file is as the plan says. */
export const noMapping: Mapping = mappingSchema.parse({})

/** The plan's format with the site's differences. */
export const fileFormat = (schema: DataSchema, mapping: Mapping): FileFormat => ({
  header: mapping.format.header ?? schema.format.header,
  delimiter: mapping.format.delimiter ?? schema.format.delimiter,
  decimal: mapping.format.decimal ?? schema.format.decimal,
  order: mapping.format.order ?? schema.format.order,
})

/** What a mapping may speak of. */
const columnNames = ({ columns, label, patient }: DataSchema): string[] => [
  ...columns.map(({ name }) => name),
  ...(label ? [label.column] : []),
  ...(patient ? [patient.column] : []),
]

function known(schema: DataSchema, column: string, path: string): void {
  const names = columnNames(schema)
  if (names.includes(column)) return
  throw new InputError(
    'ERR_MAPPING',
    `expected a column of the plan, found "${column}"${suggestion(column, names)}`,
    path,
  )
}
