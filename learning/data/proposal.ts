/** A mapping that a survey suggests: what a person would most likely say, for that person to look at. It decides nothing. */

import { nearest } from '../../protocol/plan.ts'
import type { DataSchema, FileFormat } from '../../protocol/schema.ts'
import type { Mapping } from './mapping.ts'
import type { Misfit } from './misfits.ts'
import type { Survey } from './survey.ts'
import { labelColumn, measuredColumns } from './table.ts'

/** The mapping with what the survey suggests beside it. */
export function proposal(survey: Survey, schema: DataSchema, mapping: Mapping): Mapping {
  const format = { ...mapping.format, ...layoutOf(survey, mapping) }
  const rename = { ...mapping.rename, ...renamed(survey) }
  const left = survey.unknown.some((name) => !Object.hasOwn(rename, name))
  const categories = { ...mapping.categories }
  const missing = new Set(mapping.missing)
  for (const misfit of survey.misfits) {
    const known = codesOf(schema, misfit.column)
    const codes = misfit.values.flatMap(({ value }): [string, string][] => {
      const code = likelyCode(value, known)
      return code === undefined ? [] : [[value, code]]
    })
    if (codes.length > 0) categories[misfit.column] = { ...categories[misfit.column], ...Object.fromEntries(codes) }
    for (const { value } of misfit.values)
      if (meansMissing.test(value) && isValue(misfit) && likelyCode(value, known) === undefined) missing.add(value)
  }
  return { ...mapping, format, rename, categories, missing: [...missing], ignore: left ? '*' : mapping.ignore }
}

/** The codes that a column or the label may hold; none where it is a number or an image. */
export function codesOf({ columns, label }: DataSchema, column: string): readonly string[] {
  if (label?.column === column) {
    if (label.type === 'binary') return [...label.negative, ...label.positive]
    return label.type === 'class' ? label.classes : []
  }
  const found = columns.find(({ name }) => name === column)
  return found?.type === 'category' ? found.categories : []
}

/** The unit of a column or of the label, where it has one. */
export const planUnit = (schema: DataSchema, column: string): string | undefined =>
  [...measuredColumns(schema), ...(schema.label ? [labelColumn(schema.label)] : [])].flatMap((each) =>
    each.name === column && each.type === 'number' ? [each.unit] : [],
  )[0]

/** One column where several were expected: the fields are parted by another sign. Numbers with commas: a decimal comma. */
function layoutOf({ names, misfits }: Survey, { format }: Mapping): Partial<FileFormat> {
  const [only = ''] = names
  const signs = [';', '\t', '|', ','] as const
  const delimiter =
    names.length === 1 ? signs.find((sign) => sign !== format.delimiter && only.includes(sign)) : undefined
  const commas = misfits.some(
    ({ code, values }) => code === 'ERR_DATA_NUMBER' && values.length > 0 && /^[+-]?\d*,\d+$/.test(values[0].value),
  )
  return { ...(delimiter === undefined ? {} : { delimiter }), ...(commas ? { decimal: ',' } : {}) }
}

/** Columns of the file by the plan's name that is nearest, each once. */
function renamed({ absent, unknown }: Survey): Record<string, string> {
  const free = new Map(unknown.map((name) => [plainName(name), name]))
  return Object.fromEntries(
    absent.flatMap((column): [string, string][] => {
      const plain = plainName(column)
      const near = free.has(plain) ? plain : plain.length > 3 ? nearest(plain, [...free.keys()]) : undefined
      const name = near === undefined ? undefined : free.get(near)
      if (near === undefined || name === undefined) return []
      free.delete(near)
      return [[name, column]]
    }),
  )
}

/** Without case and signs: `Chest Pain` is `chest_pain`. */
const plainName = (name: string): string => name.toLowerCase().replace(/[^\p{Letter}\p{Number}]/gu, '')

/** The one code that is the same but for its case, or begins with the value. */
function likelyCode(value: string, known: readonly string[]): string | undefined {
  const plain = plainName(value)
  if (plain === '') return undefined
  const same = known.filter((code) => plainName(code) === plain)
  if (same.length === 1) return same[0]
  const longer = known.filter((code) => plainName(code).startsWith(plain))
  return longer.length === 1 && !/^\p{Number}/u.test(plain) ? longer[0] : undefined
}

/** How people write that a value is missing. */
const meansMissing = /^(|-|\.|n\.?\/?a\.?|nan|null|none|unknown|missing)$/i

const isValue = ({ code }: Misfit): boolean =>
  ['ERR_DATA_NUMBER', 'ERR_DATA_CATEGORY', 'ERR_DATA_LABEL_MISSING'].includes(code)
