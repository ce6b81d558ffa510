/** The menu of defences. */

import type { MenuEntry } from '../menu.ts'
import { centredClipping } from './centred-clipping.ts'
import type { Defence } from './defence.ts'
import { flTrust } from './fl-trust.ts'
import { geometricMedian } from './geometric-median.ts'
import { krum } from './krum.ts'
import { median } from './median.ts'
import { normBound } from './norm-bound.ts'
import { trimmedMean } from './trimmed-mean.ts'

export const defences: Readonly<Record<string, MenuEntry<Defence>>> = {
  'norm-bound': normBound,
  median,
  'trimmed-mean': trimmedMean,
  krum,
  'geometric-median': geometricMedian,
  'centred-clipping': centredClipping,
  'fl-trust': flTrust,
}
