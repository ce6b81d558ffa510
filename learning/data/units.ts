/** Units of measurement: what a plan may name, and how a value of one unit becomes another of the same dimension. */

import { InputError } from '../../protocol/errors.ts'
import { suggestion } from '../../protocol/plan.ts'
import type { DataSchema } from '../../protocol/schema.ts'

/** A value in the dimension's base unit is `value * factor + offset`. */
export interface Unit {
  readonly dimension: string
  readonly factor: number
  readonly offset: number
}

/** `value * factor + offset` converts a value. */
export interface Conversion {
  readonly factor: number
  readonly offset: number
}

/** @returns the unit, or `undefined` where the name is not known. */
export const unitOf = (name: string): Unit | undefined => (Object.hasOwn(units, name) ? units[name] : undefined)

/** How values recorded in `from` become values in `to`. @throws InputError ERR_DATA_UNIT */
export function conversion(from: string, to: string, where: string): Conversion {
  const source = unitOf(from)
  const target = unitOf(to)
  if (source === undefined) {
    throw new InputError('ERR_DATA_UNIT', `"${from}" is not a known unit${suggestion(from, Object.keys(units))}`, where)
  }
  if (target === undefined || source.dimension !== target.dimension) {
    const meant = `the plan's unit is "${to}" (${target?.dimension ?? 'unknown'})`
    throw new InputError(
      'ERR_DATA_UNIT',
      `"${from}" is a unit of ${source.dimension}, ${meant}; these cannot be converted`,
      where,
    )
  }
  return { factor: source.factor / target.factor, offset: (source.offset - target.offset) / target.factor }
}

/** The units into which one can be converted, itself first. */
export function unitsLike(name: string): readonly string[] {
  const { dimension } = unitOf(name) ?? {}
  const alike = Object.entries(units).filter(([other, unit]) => other !== name && unit.dimension === dimension)
  return [name, ...alike.map(([other]) => other)]
}

/** Every unit of a plan's data must be known. @throws InputError ERR_PLAN with the path in the plan. */
export function checkUnits(schema: DataSchema): void {
  for (const [i, column] of schema.columns.entries()) {
    if (column.type === 'number') checkUnit(column.unit, `data.columns.${i}.unit`)
  }
  if (schema.label?.type === 'number') checkUnit(schema.label.unit, 'data.label.unit')
}

function checkUnit(name: string | undefined, path: string): void {
  if (name === undefined || unitOf(name) !== undefined) return
  const known = Object.keys(units)
  const advice = suggestion(name, known) || `; known are ${known.slice(0, 12).join(', ')} and others (docs/plan.md)`
  throw new InputError('ERR_PLAN', `expected a known unit, found "${name}"${advice}`, path)
}

/** A dimension's units by name, each with its size in the base unit; several names of one size are separated by `|`. */
function scale(dimension: string, sizes: Readonly<Record<string, number>>): [string, Unit][] {
  return Object.entries(sizes).flatMap(([names, factor]) =>
    names.split('|').map((name): [string, Unit] => [name, { dimension, factor, offset: 0 }]),
  )
}

const day = 86_400
const year = 365.25 * day
const currencies =
  'AUD BRL CAD CHF CNY CZK DEM DKK EUR GBP HKD HUF IDR ILS INR JPY KRW MXN NOK NZD PLN RON SEK SGD THB TRY TWD UAH USD ZAR'

/** Exact by definition (SI Brochure, 9th edition; NIST SP 811), save `mm Hg`, the conventional millimetre of mercury. */
const units: Readonly<Record<string, Unit>> = Object.fromEntries([
  ...scale('time', { s: 1, min: 60, 'h|hours': 3600, days: day, weeks: 7 * day, months: year / 12, years: year }),
  ...scale('pressure', { Pa: 1, 'mm Hg|mmHg': 133.322387415, kPa: 1000, hPa: 100, 'cm H2O': 98.0665 }),
  ...scale('mass', { kg: 1, g: 1e-3, mg: 1e-6, ug: 1e-9, lb: 0.45359237, oz: 0.028349523125 }),
  ...scale('length', { m: 1, cm: 0.01, mm: 0.001, km: 1000, in: 0.0254, ft: 0.3048 }),
  ...scale('volume', { l: 1, dl: 0.1, ml: 0.001 }),
  ...scale('mass concentration', {
    'g/l': 1,
    'mg/dl': 0.01,
    'g/dl': 10,
    'mg/l': 1e-3,
    'ug/l|ng/ml': 1e-6,
    'ug/dl': 1e-5,
  }),
  ...scale('amount concentration', { 'mol/l': 1, 'mmol/l': 1e-3, 'umol/l': 1e-6, 'nmol/l': 1e-9 }),
  ...scale('activity concentration', { 'U/l': 1, 'mU/l': 1e-3, 'kU/l': 1000 }),
  ...scale('number concentration', { '1/l': 1, '1/nl|10^9/l|10^3/ul': 1e9, '10^12/l|10^6/ul': 1e12 }),
  ...scale('frequency', { '1/s|Hz': 1, '1/min|beats/min|breaths/min': 1 / 60, '1/h': 1 / 3600 }),
  ...scale('flow', { 'ml/min': 1, 'l/min': 1000, 'ml/h': 1 / 60 }),
  ...scale('mass per area', { 'kg/m2': 1 }),
  ...scale('energy', { kJ: 1, kcal: 4.184 }),
  ...scale('voltage', { V: 1, mV: 1e-3 }),
  ...scale('fraction', { fraction: 1, 'percent|%': 0.01, 'per mille': 0.001 }),
  ...scale('count', { count: 1 }),
  ...scale('score', { score: 1 }),
  ...currencies.split(' ').flatMap((code) => scale(`money in ${code}`, { [code]: 1, [`1000 ${code}`]: 1000 })),
  ['C', { dimension: 'temperature', factor: 1, offset: 273.15 }],
  ['K', { dimension: 'temperature', factor: 1, offset: 0 }],
  ['F', { dimension: 'temperature', factor: 5 / 9, offset: 459.67 * (5 / 9) }],
])
