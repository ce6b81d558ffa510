/** What an algorithm sees of a site: its table, its name for reproducible choices, and a way to train. */

import type { Table } from '../data/table.ts'
import type { TrainerFactory } from '../engine/trainer.ts'

export interface Site {
  readonly name: string
  readonly table: Table
  readonly trainer: TrainerFactory
}
