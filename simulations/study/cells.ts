/** A study as cells: every combination of its variants, swept values and seeds, each a plan file of its own. */

import { planMenus } from '../../learning/computation.ts'
import { InputError } from '../../protocol/errors.ts'
import { type Plan, parsePlan, planKeys, suggestion } from '../../protocol/plan.ts'
import { checkSettings, gridKeys, type StudySettings, settingsOf } from './settings.ts'

/** A plan file before it is checked. */
export type StudyFile = Readonly<Record<string, unknown>>

export interface Cell {
  /** What distinguishes it, in a person's words; empty where the study is one cell. */
  readonly label: string
  readonly plan: Plan
  readonly settings: StudySettings
}

export interface Change {
  readonly path: string
  readonly value: unknown
}

/** All cells without their seeds, checked; the first fault of any of them is thrown. @throws InputError ERR_PLAN */
export function cellsOf(file: StudyFile): readonly Cell[] {
  const { variants, sweep } = settingsOf(file.simulation)
  const named = Object.entries(variants ?? {}).map(([label, changes]) => ({
    label,
    changes: Object.entries(changes).map(([path, value]) => ({ path, value })),
  }))
  const grid = [...(named.length > 0 ? named : [{ label: '', changes: [] }])]
  const swept = Object.entries(sweep ?? {}).reduce(
    (cells, [path, values]) =>
      cells.flatMap(({ label, changes }) =>
        values.map((value) => ({
          label: [label, `${lastPart(path)} ${shown(value)}`].filter((part) => part !== '').join(', '),
          changes: [...changes, { path, value }],
        })),
      ),
    grid,
  )
  return swept.map(({ label, changes }) => cellOf(label, changes.reduce(changed, file)))
}

function cellOf(label: string, file: StudyFile): Cell {
  const { simulation, ...rest } = file
  try {
    const plan = parsePlan(rest, planMenus)
    const settings = settingsOf(simulation)
    checkSettings(plan, settings)
    return { label, plan, settings }
  } catch (error) {
    if (!(error instanceof InputError) || label === '') throw error
    throw new InputError(error.code, `in the cell "${label}": ${error.message}`)
  }
}

/** The file with one value replaced. @throws InputError ERR_PLAN where the path leads through what is no object. */
export function changed(file: StudyFile, { path, value }: Change): StudyFile {
  const [key, ...rest] = path.split('.')
  if (rest.length === 0) return { ...file, [key]: value }
  const inner = file[key] ?? {}
  if (Array.isArray(inner)) {
    const [index, ...deeper] = rest
    const i = Number(index)
    if (!Number.isInteger(i) || i < 0 || i >= inner.length) {
      throw new InputError('ERR_PLAN', `expected an index from 0 to ${inner.length - 1} in "${path}", found "${index}"`)
    }
    const item = deeper.length === 0 ? value : changed(asObject(inner[i], path), { path: deeper.join('.'), value })
    return { ...file, [key]: inner.map((each: unknown, at) => (at === i ? item : each)) }
  }
  return { ...file, [key]: changed(asObject(inner, path), { path: rest.join('.'), value }) }
}

function asObject(value: unknown, path: string): StudyFile {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return Object.fromEntries(Object.entries(value))
  throw new InputError('ERR_PLAN', `the path "${path}" leads through a value that has no parts`)
}

/** `path=value` of a command line; the value is JSON where it can be read as such. @throws InputError ERR_PLAN */
export function parseChange(text: string): Change {
  const at = text.indexOf('=')
  if (at < 1) throw new InputError('ERR_PLAN', `expected path=value, found "${text}"`, '--set')
  const path = text.slice(0, at)
  const [top] = path.split('.')
  const known = [...planKeys, 'simulation']
  if (!known.includes(top)) {
    throw new InputError(
      'ERR_PLAN',
      `expected a path that begins with one of ${known.join(', ')}${suggestion(top, known)}`,
      `--set ${text}`,
    )
  }
  return { path, value: parsedValue(text.slice(at + 1)) }
}

function parsedValue(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** The settings that a result depends on: not those that only say which cells there are. */
export function ownSettings(settings: StudySettings): Readonly<Record<string, unknown>> {
  const grid: readonly string[] = gridKeys
  return Object.fromEntries(Object.entries(settings).filter(([key]) => !grid.includes(key)))
}

const lastPart = (path: string): string => path.split('.').at(-1) ?? path

const shown = (value: unknown): string => (typeof value === 'object' ? JSON.stringify(value) : String(value))
