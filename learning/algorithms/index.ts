/** The menu of algorithms that a plan can name. */

import type { AlgorithmEntry } from './algorithm-entry.ts'
import { fedAvg } from './fed-avg.ts'
import { statistics } from './statistics.ts'

export const algorithms: Readonly<Record<string, AlgorithmEntry>> = {
  statistics,
  'fed-avg': fedAvg,
}
