/** The menu of privacy mechanisms that a plan can name. */

import { clip } from './clip.ts'
import { discreteGaussian } from './discrete-gaussian.ts'
import { dpSgd } from './dp-sgd.ts'
import { gaussian } from './gaussian.ts'
import type { MechanismEntry } from './mechanism.ts'
import { none } from './none.ts'

export const mechanisms: Readonly<Record<string, MechanismEntry>> = {
  none,
  clip,
  gaussian,
  'discrete-gaussian': discreteGaussian,
  'dp-sgd': dpSgd,
}
