/** The words of the participant's page by language; the compiler asks for what a language lacks. */

import { chinese } from './chinese.ts'
import { english } from './english.ts'
import type { Language } from './language.ts'

export type Words = Readonly<Record<keyof typeof english, string>>

export const languages: Readonly<Record<Language, Words>> = { en: english, zh: chinese }

/** A sentence with its figures: `{rows} rows` of 12 is `12 rows`. */
export const filled = (sentence: string, figures: Readonly<Record<string, string>>): string =>
  sentence.replace(/\{(\w+)\}/g, (hole, name: string) => figures[name] ?? hole)
