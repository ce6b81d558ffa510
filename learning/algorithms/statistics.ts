/** Federated descriptive statistics: one exact sum over all sites gives counts, means, variances and histograms. */

import * as z from 'zod'
import { Reader, Writer } from '../../protocol/bytes.ts'
import { ProtocolError } from '../../protocol/errors.ts'
import type { NumberColumn } from '../../protocol/schema.ts'
import { type ColumnStatistics, readStatistics, statisticsLanes } from '../data/statistics.ts'
import { sumBlocks } from '../data/streamed.ts'
import { labelColumn, type MeasuredColumn, measuredColumns } from '../data/table.ts'
import { checkUnits } from '../data/units.ts'
import { algorithmEntry } from './algorithm-entry.ts'
import { checkPatients } from './private-training.ts'
import { partsOf } from './site-data.ts'
import { laneTotal, packLanes, readFloat64s, unpackLanes, writeFloat64s } from './sums.ts'

const options = z.strictObject({
  /** Bins of each number column's histogram, over its range; 0 for none. */
  bins: z.int().min(0).max(1000).default(20),
})

interface StatisticsState {
  /** The lanes end to end; absent before the round. */
  readonly sums?: Float64Array
}

const layoutVersion = 1

/** Lanes whose numbers are cells of the table that comes out. */
const tables = new Set(['categories', 'histogram'])
const cells = true as const

export const statistics = algorithmEntry(options, (plan, { bins }, discipline) => {
  checkUnits(plan.data)
  if (discipline !== undefined) checkPatients(plan, discipline)
  const rowsEach = discipline?.unit === 'patient' ? plan.data.patient?.rows : 1
  const lanes = statisticsLanes(plan.data, bins, rowsEach).map((lane) =>
    tables.has(lane.name) ? { ...lane, cells } : lane,
  )
  return {
    init: (): StatisticsState => ({}),
    request: (state: StatisticsState) =>
      state.sums ? undefined : { purpose: 'statistics of every column', bits: 64, lanes },
    contribute: async (_state, _request, site) => sumBlocks(partsOf(site), bins),
    apply: (_state, _request, sum): StatisticsState => ({ sums: packLanes(lanes, sum) }),
    encode: ({ sums }: StatisticsState) => writeFloat64s(new Writer().uint8(layoutVersion), sums).finish(),
    decode(bytes: Uint8Array): StatisticsState {
      const reader = new Reader(bytes)
      const version = reader.uint8('state version')
      if (version !== layoutVersion) throw new ProtocolError('ERR_STATE', `unknown version ${version} of a state`)
      const sums = readFloat64s(reader, 'sums', laneTotal(lanes))
      reader.end()
      return sums ? { sums } : {}
    },
    metrics: ({ sums }: StatisticsState): Record<string, number> =>
      sums ? { rows: unpackLanes(lanes, sums).rows[0] } : {},
    result({ sums }: StatisticsState) {
      if (sums === undefined) return undefined
      const { rows, columns, label } = readStatistics(plan.data, unpackLanes(lanes, sums), bins)
      const described = [...measuredColumns(plan.data), ...(plan.data.label ? [labelColumn(plan.data.label)] : [])]
      const measured = label ? [...columns, label] : columns
      return {
        concordat: 1,
        kind: 'statistics',
        plan: plan.name,
        rows,
        columns: Object.fromEntries(measured.map((each, i) => [each.name, describe(described[i], each)])),
      }
    },
  }
})

/** One line of the table: plain numbers under plain names. */
function describe(column: MeasuredColumn, statistics: ColumnStatistics): Record<string, unknown> {
  const { type, count, missing } = statistics
  if (statistics.type === 'category' && column.type === 'category') {
    return {
      type,
      count,
      missing,
      counts: Object.fromEntries(column.categories.map((c, i) => [c, statistics.counts[i]])),
    }
  }
  if (statistics.type !== 'number' || column.type !== 'number') throw new Error(`"${column.name}" changed its type`)
  const { mean = null, variance = null, histogram } = statistics
  return {
    type,
    ...(column.unit === undefined ? {} : { unit: column.unit }),
    count,
    missing,
    mean,
    variance,
    deviation: variance === null ? null : Math.sqrt(variance),
    ...(histogram.length === 0 ? {} : { histogram: { edges: edges(column, histogram.length), counts: histogram } }),
  }
}

const edges = ({ range: [low, high] }: NumberColumn, bins: number): number[] =>
  Array.from({ length: bins + 1 }, (_, i) => low + ((high - low) * i) / bins)
