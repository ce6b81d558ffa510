/** The menu of benches. */

import { coordinator } from './coordinator.ts'
import { csv } from './csv.ts'
import { digits } from './digits.ts'
import { privacy } from './privacy.ts'
import type { Bench } from './result.ts'
import { secagg } from './secagg.ts'
import { simulation } from './simulation.ts'
import { streaming } from './streaming.ts'
import { training } from './training.ts'
import { web } from './web.ts'

export const benches: Readonly<Record<string, Bench>> = {
  coordinator,
  csv,
  digits,
  privacy,
  secagg,
  simulation,
  streaming,
  training,
  web,
}
