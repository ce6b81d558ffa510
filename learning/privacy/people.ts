/** Who is behind a site's rows: each row by itself, or all rows of a patient together; drawn in secret, kept in whole. */

import type { Unit } from '../../protocol/privacy/mechanism.ts'
import type { Random } from '../../protocol/random.ts'
import type { Table } from '../data/table.ts'

/** The row indices of each record or patient, in the order of their first rows. */
export type People = readonly Uint32Array[]

/** @returns one group a row, or a patient where the noise hides patients. */
export function peopleOf({ rows, patients }: Pick<Table, 'rows' | 'patients'>, unit: Unit): People {
  if (unit !== 'patient') return Array.from({ length: rows }, (_, row) => Uint32Array.of(row))
  if (patients === undefined) throw new Error('noise for patients on a table that does not say whose row is whose')
  const groups = new Map<string, number[]>()
  for (const [row, patient] of patients.entries()) {
    const group = groups.get(patient)
    if (group === undefined) groups.set(patient, [row])
    else group.push(row)
  }
  return Array.from(groups.values(), (group) => Uint32Array.from(group))
}

/** Each with probability `rate`, independently: Poisson sampling by a cryptographic generator, to 2^-53. */
export function draw(people: People, rate: number, random: Random): People {
  if (rate === 1) return people
  const bytes = random.bytes(8 * people.length)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  // Rounded down: nobody takes part more often than is accounted for.
  const threshold = Math.floor(rate * 2 ** 53)
  return people.filter((_, i) => {
    const bits = (view.getUint32(8 * i) >>> 5) * 2 ** 26 + (view.getUint32(8 * i + 4) >>> 6)
    return bits < threshold
  })
}
