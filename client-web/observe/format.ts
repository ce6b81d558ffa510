/** Numbers, bytes and times as a person reads them. */

import type { Language } from '../shared/language.ts'

export const instant = (at: number, language: Language): string =>
  new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'medium' }).format(at)

export const figure = (value: number): string =>
  Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)))

const units = ['B', 'kB', 'MB', 'GB', 'TB']

export function bytes(count: number): string {
  let value = count
  let unit = 0
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000
  return `${figure(Number(value.toPrecision(3)))} ${units[unit]}`
}
