/** The defence port: one update from those of single sites or of groups, some of which may be anything. */

import type { Lanes, SumRequest } from '../../protocol/algorithm.ts'
import { scaled } from '../attacks/attack.ts'
import { type GroupSum, totalOf } from '../runner/conduct.ts'

/** A site's or a group's mean update. */
export interface Point {
  readonly update: Float64Array
  readonly weight: number
}

export interface Defence {
  /** Whether the coordinator needs records of its own. */
  readonly needsRoot?: boolean
  /** The update to take instead of the mean; `root` is that of the coordinator's own records. */
  readonly merge: (points: readonly Point[], root: Float64Array | undefined) => Float64Array
}

/** The round's lanes with the merged update in place of the sum; what else was summed stands. */
export function defended(
  { merge }: Defence,
  groups: readonly GroupSum[],
  { root, request }: { readonly root: Lanes | undefined; readonly request: SumRequest },
): Lanes {
  const points = groups
    .map(({ lanes }) => ({ update: scaled(lanes.update, 1 / lanes.weight[0]), weight: lanes.weight[0] }))
    .filter(({ weight }) => weight > 0)
  const total = totalOf(groups, request)
  if (points.length === 0) return total
  const update = merge(points, root && scaled(root.update, 1 / root.weight[0]))
  return { ...total, update: scaled(update, total.weight[0]) }
}

export function weightedMean(points: readonly Point[]): Float64Array {
  const total = points.reduce((sum, { weight }) => sum + weight, 0)
  const mean = new Float64Array(points[0].update.length)
  for (const { update, weight } of points) for (let i = 0; i < mean.length; i++) mean[i] += (weight / total) * update[i]
  return mean
}

export function distance(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2
  return Math.sqrt(sum)
}

export function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i]
  return sum
}

/** The middle of some numbers, in the order of their size. */
export const middle = (sorted: ArrayLike<number>): number => {
  const half = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
}

/** Each coordinate for itself: `pick` sees the points' values in ascending order. */
export function byCoordinate(points: readonly Point[], pick: (sorted: Float64Array) => number): Float64Array {
  const values = new Float64Array(points.length)
  return points[0].update.map((_, i) => {
    for (let k = 0; k < points.length; k++) values[k] = points[k].update[i]
    return pick(values.sort())
  })
}
