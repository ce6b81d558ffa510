/** Numbers and costs as the page writes them. */

import { filled, type Words } from '../shared/words.ts'
import type { Cost } from '../worker/page-state.ts'

/** Three digits that count, without the zeros that do not. */
export const short = (value: number): string => String(Number(value.toPrecision(3)))

export const percent = (share: number): string => {
  const figure = 100 * share
  return `${figure.toFixed(figure > 0 && figure < 10 ? 1 : 0)} %`
}

export const bytesText = (bytes: number): string =>
  bytes < 1e6 ? `${(bytes / 1e3).toFixed(bytes < 1e4 ? 1 : 0)} kB` : `${(bytes / 1e6).toFixed(1)} MB`

/** In words: what a person behind the records gives away at most. */
export function costText({ unit, epsilon, delta }: Pick<Cost, 'unit' | 'epsilon' | 'delta'>, words: Words): string {
  if (unit === null || epsilon === null) return words.unbounded
  return filled(words.bounded, { epsilon: short(epsilon), delta: String(delta), unit: unitName(unit, words) })
}

function unitName(unit: NonNullable<Cost['unit']>, words: Words): string {
  const names = { record: words.unitRecord, patient: words.unitPatient, site: words.unitSite }
  return names[unit]
}
