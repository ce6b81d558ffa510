/** The menu of attacks. */

import type { MenuEntry } from '../menu.ts'
import type { Attack } from './attack.ts'
import { backdoor } from './backdoor.ts'
import { freeRider } from './free-rider.ts'
import { innerProduct } from './inner-product.ts'
import { labelFlip } from './label-flip.ts'
import { littleIsEnough } from './little-is-enough.ts'
import { scaling } from './scaling.ts'
import { signFlip } from './sign-flip.ts'

export const attacks: Readonly<Record<string, MenuEntry<Attack>>> = {
  'label-flip': labelFlip,
  'sign-flip': signFlip,
  scaling,
  backdoor,
  'free-rider': freeRider,
  'little-is-enough': littleIsEnough,
  'inner-product': innerProduct,
}
