/** The shift port: how a site's records differ from what the others would have written of the same patients. */

import type { Table } from '../../learning/data/table.ts'
import type { Stream } from '../../protocol/stream.ts'

/** A site's table as it would have written it; `stream` is the site's own. */
export type Shift = (table: Table, stream: Stream) => Table

/** Numbers outside the plan's range would have been refused when they were read. */
export const withinRange = (value: number, [low, high]: readonly [number, number]): number =>
  Math.min(high, Math.max(low, value))
