/** Feature shift: every site's instruments read all numbers a little high or low, and pictures a little bright or dark. */

import * as z from 'zod'
import { measuredColumns } from '../../learning/data/table.ts'
import { entry } from '../menu.ts'
import { type Shift, withinRange } from './shift.ts'

const options = z.strictObject({
  /** Deviation of the sites' offsets, as a share of a column's range (of 255 for pictures). */
  deviation: z.number().min(0).max(1).default(0.1),
})

export const featureShift = entry(
  options,
  ({ deviation }): Shift =>
    (table, stream) => {
      const columns = measuredColumns(table.schema)
      return {
        ...table,
        columns: table.columns.map((values, i) => {
          const column = columns[i]
          if (values.type !== 'number' || column.type !== 'number') return values
          const offset = deviation * (column.range[1] - column.range[0]) * stream.normal()
          return { ...values, values: values.values.map((value) => withinRange(value + offset, column.range)) }
        }),
        ...(table.images
          ? {
              images: table.images.map((image) => {
                const offset = 255 * deviation * stream.normal()
                return {
                  ...image,
                  pixels: image.pixels.map((pixel) => withinRange(Math.round(pixel + offset), [0, 255])),
                }
              }),
            }
          : {}),
      }
    },
)
