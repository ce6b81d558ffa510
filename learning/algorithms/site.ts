/** What an algorithm sees of a site: its records, its name for reproducible choices, and a way to train. */

import type { Random } from '../../protocol/random.ts'
import type { Blocks } from '../data/streamed.ts'
import type { Table } from '../data/table.ts'
import type { TrainerFactory } from '../engine/trainer.ts'
import type { SiteMemory } from './site-memory.ts'

export interface Site {
  readonly name: string
  /** @throws InputError ERR_DATA_STREAMED where the records come in blocks. */
  readonly table: Table
  /** The records where they are larger than memory. */
  readonly blocks?: Blocks
  readonly trainer: TrainerFactory
  /** Where the site keeps what an algorithm wants to find again in a later round; as long as the run lives without it. */
  readonly memory?: SiteMemory
  /** Global steps between the state the site starts from and the sum it goes into; only where sites do not wait for each other. */
  readonly staleness?: number
  /** The site's own cryptographic generator, for who takes part in a private step and for noise. */
  readonly random?: Random | undefined
}
