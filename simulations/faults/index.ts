/** The menu of faults. */

import type { MenuEntry } from '../menu.ts'
import { clockSkew } from './clock-skew.ts'
import { corrupted } from './corrupted.ts'
import { dropOut } from './drop-out.ts'
import type { Fault } from './fault.ts'
import { slowLinks } from './slow-links.ts'
import { stragglers } from './stragglers.ts'

export const faults: Readonly<Record<string, MenuEntry<Fault>>> = {
  'drop-out': dropOut,
  stragglers,
  'slow-links': slowLinks,
  'clock-skew': clockSkew,
  corrupted,
}
