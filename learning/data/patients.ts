/** Whose row each is, by the plan's key column: what noise for patients hides is all of a patient's rows, of which so many count. */

import type { InputError } from '../../protocol/errors.ts'
import type { PatientKey } from '../../protocol/schema.ts'
import { cellOf, type Place } from './cell.ts'
import type { Row } from './row.ts'

export class PatientBuilder {
  readonly field: number
  readonly #key: PatientKey
  readonly #counts = new Map<string, number>()
  #keys: string[] = []

  constructor(key: PatientKey, field: number) {
    this.field = field
    this.#key = key
  }

  /** The key of a record. @throws InputError ERR_DATA_PATIENT */
  keyOf(row: Row): string {
    return this.#present(row.text(this.field).trim(), row)
  }

  keyOfCell(value: unknown, place: Place): string {
    const cell = cellOf(value)
    return this.#present(typeof cell === 'string' || typeof cell === 'number' ? String(cell).trim() : '', place)
  }

  /** Whether another row of this patient counts: the first ones do, in the order of the source. */
  counts(key: string): boolean {
    return (this.#counts.get(key) ?? 0) < this.#key.rows
  }

  push(key: string): void {
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
    this.#keys.push(key)
  }

  /** One key a row since the last call. */
  take(): string[] {
    const keys = this.#keys
    this.#keys = []
    return keys
  }

  #present(key: string, place: Place): string {
    if (key !== '') return key
    throw this.#missing(place)
  }

  #missing(place: Place): InputError {
    return place.fault(
      this.field,
      'ERR_DATA_PATIENT',
      `expected whose row this is in "${this.#key.column}", found nothing`,
    )
  }
}
