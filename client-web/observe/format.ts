/** Numbers, bytes and times as a person reads them. */

import type { Language } from '../shared/language.ts'

export const instant = (at: number, language: Language): string =>
  new Intl.DateTimeFormat(localeOf(language), { dateStyle: 'medium', timeStyle: 'medium' }).format(at)

/** The reader's own way of writing dates, where it is of the language of the page. */
const localeOf = (language: Language): string =>
  navigator.languages.find((tag) => tag.toLowerCase().startsWith(language) && wellFormed.test(tag)) ?? language

/** Some browsers list what their system says, like "en-US@posix", and Intl takes no such tag. */
const wellFormed = /^[a-z]{2,3}(?:-[a-z0-9]{2,8})*$/i

export const figure = (value: number): string =>
  Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)))

const units = ['B', 'kB', 'MB', 'GB', 'TB']

export function bytes(count: number): string {
  let value = count
  let unit = 0
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000
  return `${figure(Number(value.toPrecision(3)))} ${units[unit]}`
}
