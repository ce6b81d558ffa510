/** A mapping while a person fills it in: one answer changed, everything else as it was. */

import type { Mapping } from '../../learning/data/mapping.ts'

/** The file's column that stands for the plan's. */
export const renamedTo = ({ rename }: Mapping, column: string): string | undefined =>
  Object.keys(rename).find((name) => rename[name] === column)

/** @param name the file's; empty for none */
export function withName(draft: Mapping, column: string, name: string): Mapping {
  const others = Object.entries(draft.rename).filter(([from, to]) => from !== name && to !== column)
  return { ...draft, rename: Object.fromEntries(name === '' ? others : [...others, [name, column]]) }
}

export interface CodeAnswer {
  readonly column: string
  /** The file's code. */
  readonly value: string
  /** The plan's; empty for none. */
  readonly code: string
}

export function withCode(draft: Mapping, { column, value, code }: CodeAnswer): Mapping {
  const others = Object.entries(draft.categories[column] ?? {}).filter(([from]) => from !== value)
  const codes = code === '' ? others : [...others, [value, code]]
  const { [column]: _, ...rest } = draft.categories
  return { ...draft, categories: codes.length === 0 ? rest : { ...rest, [column]: Object.fromEntries(codes) } }
}

/** @param unit undefined for the plan's own */
export function withUnit(draft: Mapping, column: string, unit: string | undefined): Mapping {
  const { [column]: _, ...rest } = draft.units
  return { ...draft, units: unit === undefined ? rest : { ...rest, [column]: unit } }
}

export const isMissing = ({ missing }: Mapping, value: string): boolean => missing.includes(value)

export function withMissing(draft: Mapping, value: string, missing: boolean): Mapping {
  const others = draft.missing.filter((code) => code !== value)
  return { ...draft, missing: missing ? [...others, value] : others }
}

/** The codes that a person can read; an empty field is said at its column. */
export const missingText = ({ missing }: Mapping): string => missing.filter((code) => code !== '').join(', ')

export function withMissingText(draft: Mapping, text: string): Mapping {
  const codes = text.split(',').map((code) => code.trim())
  const empty = draft.missing.filter((code) => code === '')
  return { ...draft, missing: [...empty, ...new Set(codes.filter((code) => code !== ''))] }
}
