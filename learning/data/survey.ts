/** A survey of a source: everything in which it differs from the plan, so that a person can say how the one becomes the other. */

import type { DataSchema } from '../../protocol/schema.ts'
import type { Matching } from './file-columns.ts'
import type { Misfit } from './misfits.ts'

export interface Survey extends Pick<Matching, 'absent' | 'unknown'> {
  /** The source's columns in its own order and under its own names. */
  readonly names: readonly string[]
  readonly misfits: readonly Misfit[]
  /** What kept it from being read to its end, and no mapping mends: a record that is broken, a unit of another dimension. */
  readonly fault: { readonly code: string; readonly reason: string } | undefined
}

export const fits = ({ absent, unknown, misfits, fault }: Survey): boolean =>
  absent.length + unknown.length + misfits.length === 0 && fault === undefined

/** The plan's data without the columns that a source lacks: what can be looked at of the others. */
export function withoutColumns({ label, patient, ...schema }: DataSchema, absent: readonly string[]): DataSchema {
  return {
    ...schema,
    columns: schema.columns.filter(({ name }) => !absent.includes(name)),
    ...(label === undefined || absent.includes(label.column) ? {} : { label }),
    ...(patient === undefined || absent.includes(patient.column) ? {} : { patient }),
  }
}
