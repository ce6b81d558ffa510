/** Records of a generator as CSV text, with holes where a site did not measure. */

import type { Stream } from '../../protocol/stream.ts'

/** Values by column, in the file's order; codes and numbers without comma, quote or line end. */
export type Values = Readonly<Record<string, string | number>>

/** How a site leaves values out: the share of missing values by column, and the code it writes for them. */
export interface Missingness {
  readonly code: string
  readonly share: Readonly<Record<string, number>>
}

/** Missing completely at random. */
export function csvText(records: readonly Values[], missing: Missingness, stream: Stream): string {
  const names = Object.keys(records[0] ?? {})
  const lines = records.map((record) =>
    names
      .map((name) => (stream.uniform() < (missing.share[name] ?? 0) ? missing.code : String(record[name])))
      .join(','),
  )
  return `${[names.join(','), ...lines].join('\n')}\n`
}

/** Shares `total` records out in the proportions of `parts`, at least one each; what rounding leaves goes to the first. */
export function apportion(total: number, parts: readonly number[]): number[] {
  const whole = parts.reduce((sum, part) => sum + part, 0)
  const counts = parts.map((part) => Math.max(1, Math.floor((total * part) / whole)))
  const rest = total - counts.reduce((sum, count) => sum + count, 0)
  return counts.map((count, i) => (i === 0 ? Math.max(1, count + rest) : count))
}
