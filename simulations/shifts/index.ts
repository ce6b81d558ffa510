/** The menu of shifts. */

import type { MenuEntry } from '../menu.ts'
import { featureShift } from './feature-shift.ts'
import type { Shift } from './shift.ts'
import { unitError } from './unit-error.ts'

export const shifts: Readonly<Record<string, MenuEntry<Shift>>> = {
  'feature-shift': featureShift,
  'unit-error': unitError,
}
