/** The menu of splits. */

import type { MenuEntry } from '../menu.ts'
import { byColumn } from './by-column.ts'
import { dirichlet } from './dirichlet.ts'
import { iid } from './iid.ts'
import { labelShards } from './label-shards.ts'
import { quantity } from './quantity.ts'
import type { Split } from './split.ts'

export const splits: Readonly<Record<string, MenuEntry<Split>>> = {
  iid,
  'by-column': byColumn,
  dirichlet,
  quantity,
  'label-shards': labelShards,
}
