/** What a participant in a browser computes with: the plan's computation and the engine, without a page round them. */

import { computationOf, planMenus } from '../../../learning/computation.ts'
import { chooseTrainer } from '../../../learning/engine/choose.ts'

Object.assign(globalThis, { computationOf, planMenus, chooseTrainer })
