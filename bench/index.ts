/** The menu of benches. */

import { csv } from './csv.ts'
import type { Bench } from './result.ts'

export const benches: Readonly<Record<string, Bench>> = { csv }
