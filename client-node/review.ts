/** `concordat review`: plans that wait for a person, in plain words, with what changed since the last one; approve or refuse. */

import { join } from 'node:path'
import { Command } from 'commander'
import { toHex } from '../protocol/bytes.ts'
import { InputError } from '../protocol/errors.ts'
import type { Decision, DeskItem } from '../protocol/participant/approval.ts'
import { describe, difference } from '../protocol/participant/plain-words.ts'
import { planHash } from '../protocol/plan.ts'
import { fileDesk } from './desk.ts'

interface Options {
  readonly folder: string
  readonly approve?: true
  readonly refuse?: string
  readonly all?: true
  readonly json?: true
}

export function reviewCommand(): Command {
  return new Command('review')
    .description('Plans that wait for a person: list them, read one in plain words, approve or refuse it')
    .argument('[plan]', 'a plan by its name or the beginning of its hash; without it, those that wait are listed')
    .option('--folder <folder>', "the agent's folder", 'concordat-site')
    .option('--approve', 'let the plan in; a running agent joins within a second')
    .option('--refuse <reason>', 'keep the plan out; the coordinator is told the reason')
    .option('--all', 'list decided plans too')
    .option('--json', 'one JSON object')
    .action(run)
}

async function run(wanted: string | undefined, options: Options): Promise<void> {
  const desk = fileDesk(join(options.folder, 'plans'))
  const items = await desk.items()
  if (wanted === undefined) {
    list(items, options)
    return
  }
  const item = find(items, wanted)
  const decision = decisionOf(options)
  if (decision !== undefined) await desk.put({ ...item, decision: { ...decision, at: Date.now() } })
  show({ ...item, ...(decision && { decision: { ...decision, at: Date.now() } }) }, items, options)
}

const hashOf = ({ plan }: DeskItem): string => toHex(planHash(plan))
const stateOf = ({ decision }: DeskItem): string => (decision === undefined ? 'waits' : decision.verdict)

function list(items: readonly DeskItem[], { all, json }: Options): void {
  const shown = all ? items : items.filter(({ decision }) => decision === undefined)
  if (json) {
    const plans = shown.map((item) => ({ name: item.plan.name, hash: hashOf(item), state: stateOf(item) }))
    console.log(JSON.stringify({ plans }))
  } else if (shown.length === 0) console.log('no plan waits')
  else for (const item of shown) console.log(`${hashOf(item).slice(0, 12)}  ${stateOf(item)}  ${item.plan.name}`)
}

/** @throws InputError ERR_REVIEW where none or several are meant. */
function find(items: readonly DeskItem[], wanted: string): DeskItem {
  const meant = items.filter((item) => item.plan.name === wanted || hashOf(item).startsWith(wanted))
  const waiting = meant.filter(({ decision }) => decision === undefined)
  const [item, ...others] = waiting.length > 0 ? waiting : meant
  if (item === undefined) throw new InputError('ERR_REVIEW', `no plan on the desk is called "${wanted}"`)
  if (others.length === 0) return item
  const hashes = [item, ...others].map((each) => hashOf(each).slice(0, 12))
  throw new InputError('ERR_REVIEW', `several plans are called "${wanted}": ${hashes.join(', ')}`)
}

/** @throws InputError ERR_REVIEW where both are asked for. */
function decisionOf({ approve, refuse }: Options): Decision | undefined {
  if (approve && refuse !== undefined) throw new InputError('ERR_REVIEW', 'expected --approve or --refuse, not both')
  if (approve) return { verdict: 'approved', reason: 'by a person' }
  return refuse === undefined ? undefined : { verdict: 'refused', reason: refuse }
}

function show(item: DeskItem, items: readonly DeskItem[], { json }: Options): void {
  const last = items.findLast(({ plan, decision }) => decision?.verdict === 'approved' && plan !== item.plan)
  const changed = last && difference(last.plan, item.plan)
  if (json) {
    const { plan, preview, decision } = item
    console.log(JSON.stringify({ hash: hashOf(item), state: stateOf(item), plan, preview, decision, changed }))
    return
  }
  for (const line of describe(item)) console.log(line)
  if (last === undefined) console.log('changed    no plan was approved here before')
  else console.log(`changed    since ${last.plan.name}: ${changed?.length === 0 ? 'nothing' : ''}`)
  for (const line of changed ?? []) console.log(`             ${line}`)
  console.log(`plan       ${hashOf(item)}`)
  console.log(`state      ${stateOf(item)}${item.decision === undefined ? '' : `: ${item.decision.reason}`}`)
}
