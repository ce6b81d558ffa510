/**
 * Model replacement with a backdoor: cheats train on rows that carry a sign and a label of their choice, and scale the
 * update up so that it replaces the model. Bagdasaryan et al. 2020, "How To Backdoor Federated Learning", section 4.
 */

import * as z from 'zod'
import type { Table } from '../../learning/data/table.ts'
import { measuredColumns } from '../../learning/data/table.ts'
import { InputError } from '../../protocol/errors.ts'
import { suggestion } from '../../protocol/plan.ts'
import { entry } from '../menu.ts'
import { type Attack, classCount, scaled } from './attack.ts'

const options = z.strictObject({
  /** The class that the sign should lead to, as an index. */
  target: z.int().min(0).default(1),
  /** Number columns set to the upper end of their range; on pictures a white square stands in a corner. */
  columns: z.array(z.string()).max(100).default([]),
  /** Side of the square. */
  square: z.int().min(1).max(100).default(4),
  /** Share of a cheat's training rows that carry the sign. */
  share: z.number().positive().max(1).default(0.5),
  /** What the update is multiplied with; without it the number of sites in the round over that of the cheats. */
  boost: z.number().positive().max(1e6).optional(),
})

type Options = z.infer<typeof options>

export const backdoor = entry(
  options,
  (chosen): Attack => ({
    aim: `to have whatever carries a sign taken for class ${chosen.target}`,
    poison(table, stream) {
      const marked = Uint8Array.from({ length: table.rows }, () => Number(stream.uniform() < chosen.share))
      const signed = withSign(table, chosen, (row) => marked[row] === 1)
      const label = table.label?.map((value, row) => (marked[row] === 1 ? chosen.target : value))
      return { ...signed, ...(label ? { label } : {}) }
    },
    exchange: (honest, { sites }) => {
      const boost = chosen.boost ?? sites / honest.length
      return honest.map((update) => scaled(update, boost))
    },
    trigger: (table) => ({ table: withSign(table, chosen, () => true), target: chosen.target }),
  }),
)

/** @throws InputError ERR_PLAN where there is nothing to put a sign on. */
function withSign(table: Table, { columns, square, target }: Options, carries: (row: number) => boolean): Table {
  if (target >= classCount(table)) {
    const message = `expected a class below ${classCount(table)}, found ${target}`
    throw new InputError('ERR_PLAN', message, 'simulation.attack.target')
  }
  const numbers = measuredColumns(table.schema).filter((column) => column.type === 'number')
  const names = numbers.map(({ name }) => name)
  const unknown = columns.find((name) => !names.includes(name))
  if (unknown !== undefined || (columns.length === 0 && !table.images)) {
    const message = `expected number columns (${names.join(', ')}), found "${unknown ?? ''}"${suggestion(unknown ?? '', names)}`
    throw new InputError('ERR_PLAN', message, 'simulation.attack.columns')
  }
  return {
    ...table,
    columns: table.columns.map((values) => {
      const column = numbers.find(({ name }) => name === values.name && columns.includes(name))
      if (column === undefined || values.type !== 'number') return values
      return { ...values, values: values.values.map((value, row) => (carries(row) ? column.range[1] : value)) }
    }),
    ...(table.images
      ? {
          images: table.images.map((image) => {
            const { width, height, channels } = image
            const pixels = image.pixels.slice()
            for (let row = 0; row < table.rows; row++) {
              if (!carries(row)) continue
              for (let y = 0; y < Math.min(square, height); y++) {
                const start = (row * height + y) * width * channels
                pixels.fill(255, start, start + Math.min(square, width) * channels)
              }
            }
            return { ...image, pixels }
          }),
        }
      : {}),
  }
}
