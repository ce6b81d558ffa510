/** What an attack achieved, measured on rows that nobody poisoned. */

import { type ModelFile, predict } from '../../learning/algorithms/model-file.ts'
import { selectRows } from '../../learning/data/table.ts'
import { chooseTrainer } from '../../learning/engine/choose.ts'
import { attacks } from '../attacks/index.ts'
import { choose } from '../menu.ts'
import { heldOutRows } from '../runner/hand.ts'
import type { Setting } from '../runner/tasks.ts'
import type { Cell } from './cells.ts'
import { withoutKeys } from './settings.ts'

/** What the attack achieved: for a backdoor, the share of held-out rows of other classes that its sign turns. */
export async function attackOutcome(
  { settings }: Cell,
  setting: Setting,
  model: ModelFile,
): Promise<{ readonly name: string; readonly aim: string; readonly success?: number }> {
  const { attack } = settings
  if (attack === undefined) throw new Error('no attack')
  const { aim, trigger } = choose(attacks, withoutKeys(attack, ['cheats']), 'simulation.attack')
  const { name } = attack
  if (trigger === undefined || setting.plan.evaluation.holdout === 0) return { name, aim }
  const heldOut = heldOutRows(setting)
  const { target } = trigger(heldOut)
  const others = Uint32Array.from({ length: heldOut.rows }, (_, i) => i).filter((i) => heldOut.label?.[i] !== target)
  if (others.length === 0) return { name, aim }
  const { table } = trigger(selectRows(heldOut, others))
  const outputs = await predict(model, table, chooseTrainer())
  const width = outputs.length / table.rows
  let turned = 0
  for (let row = 0; row < table.rows; row++) {
    const scores = outputs.subarray(row * width, (row + 1) * width)
    const named = width === 1 ? Number(scores[0] >= 0.5) : scores.indexOf(Math.max(...scores))
    if (named === target) turned++
  }
  return { name, aim, success: turned / table.rows }
}
