/** A plan in plain words, for the person at the site who lets it in or not. */

import type { Plan } from '../plan.ts'
import type { DeskItem } from './approval.ts'
import type { Departure } from './preview.ts'

/** Lines under headings: what it computes, from which columns, what would leave, what it costs. */
export function describe({ plan, preview }: DeskItem): string[] {
  const { departures, rounds, rows, parameters, privacy } = preview
  return [
    `${plan.name}${plan.description === '' ? '' : `: ${plan.description}`}`,
    `computes   ${plan.algorithm.name}${plan.model === undefined ? '' : ` of a ${plan.model.name} model with ${parameters} parameters`}, ${rounds} training ${rounds === 1 ? 'round' : 'rounds'}`,
    `reads      ${columnsOf(plan)} of this site's ${rows} rows`,
    ...departures.map((departure, i) => `${i === 0 ? 'leaves     ' : '           '}${departureText(departure)}`),
    `           every vector is masked: nobody sees this site's numbers, only the sum over the sites`,
    `costs      ${costText(privacy)}`,
    ...studyLines(plan),
    `author     ${plan.author === undefined ? 'unsigned; offered by the pinned coordinator' : `${plan.author.name}, key ${plan.author.identity}`}`,
  ]
}

/** What changed since another plan, a line a key; empty where nothing did. */
export function difference(before: Plan, after: Plan): string[] {
  const old = leaves(before)
  const now = leaves(after)
  const keys = [...new Set([...old.keys(), ...now.keys()])]
  return keys.flatMap((key) => {
    const [from, to] = [old.get(key), now.get(key)]
    return from === to ? [] : [`${key}: ${from ?? 'not there'} -> ${to ?? 'gone'}`]
  })
}

function columnsOf({ data }: Plan): string {
  const columns = data.columns.filter(({ type }) => type !== 'ignore').map(({ name }) => name)
  const label = data.label === undefined ? '' : `, and ${data.label.column} as the label,`
  return `${columns.length} columns (${columns.join(', ')})${label}`
}

const departureText = ({ purpose, lanes, bytes }: Departure): string =>
  `${purpose}: ${lanes.map(({ name, length }) => (length === 1 ? name : `${name} (${length} numbers)`)).join(', ')}; ${bytes} bytes`

function costText({ mechanism, unit, epsilon, delta }: DeskItem['preview']['privacy']): string {
  if (unit === null) return `no noise (${mechanism}): nothing bounds what the result tells of a person`
  const cost = epsilon === null ? 'nothing bounds it' : `epsilon ${epsilon.toPrecision(3)} at delta ${delta}`
  return `${cost} in all for each ${unit}, by ${mechanism}`
}

function studyLines({ study }: Plan): string[] {
  if (study === undefined) return ['study      none: no terms, no end']
  const use = study.intendedUse === '' ? [] : [`for        ${study.intendedUse}`]
  return [`study      until ${study.expires}; terms: ${study.terms}`, ...use]
}

/** Every value by its path; lists of columns by the column's name, so that one more column is one line. */
function leaves(value: unknown, path = '', into = new Map<string, string>()): Map<string, string> {
  if (Array.isArray(value) && value.every(hasName)) {
    for (const item of value) leaves(item, `${path}.${item.name}`, into)
  } else if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    for (const [key, inner] of Object.entries(value)) leaves(inner, path === '' ? key : `${path}.${key}`, into)
  } else if (value !== undefined) into.set(path, JSON.stringify(value))
  return into
}

const hasName = (value: unknown): value is { readonly name: string } =>
  typeof value === 'object' && value !== null && 'name' in value && typeof value.name === 'string'
