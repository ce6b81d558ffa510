/** `concordat receipts`: what left this site, in terms a person can check; works without a network. */

import { join } from 'node:path'
import { Command } from 'commander'
import { InputError } from '../protocol/errors.ts'
import { roundOf } from '../protocol/wire/attempts.ts'
import { type ContributionReceipt, type ReceiptLine, readReceipts } from './receipt-file.ts'
import { type KeptRun, keptRuns } from './record-book.ts'

interface Options {
  readonly folder: string
  readonly control?: true
  readonly json?: true
}

export function receiptsCommand(): Command {
  return new Command('receipts')
    .description('What left this site, line by line; a line that is gone or changed is named')
    .argument('[run]', "only of this run: its session's beginning, or its plan's name")
    .option('--folder <folder>', "the agent's folder", 'concordat-site')
    .option('--control', 'also the control messages: keys, shares, signatures')
    .option('--json', 'one JSON object')
    .action(run)
}

interface Left {
  readonly at: number
  readonly receipt: ContributionReceipt
}

async function run(wanted: string | undefined, { folder, control, json }: Options): Promise<void> {
  const path = join(folder, 'receipts.jsonl')
  const { lines } = readReceipts(path)
  const missing = missingRounds(lines, await keptRuns(folder))
  const left = contributions(lines).filter(
    ({ receipt: { session, plan } }) => wanted === undefined || session.startsWith(wanted) || plan === wanted,
  )
  const said = lines.filter(({ receipt }) => receipt.kind === 'control')
  const summary = {
    contributions: left.length,
    bytes: left.reduce((sum, { receipt }) => sum + receipt.bytes, 0),
    clipRate: clipRate(left),
    controlMessages: said.length,
    missing,
  }
  if (json) console.log(JSON.stringify({ ...summary, receipts: control ? lines : left }))
  else
    for (const line of [...left.flatMap(describe), ...(control ? said.map(controlLine) : []), ...total(summary)])
      console.log(line)
  if (missing.length > 0)
    throw new InputError(
      'ERR_RECEIPTS',
      `the journal names this site in rounds without a receipt: ${missing.join(', ')}`,
      path,
    )
}

function contributions(lines: readonly ReceiptLine[]): Left[] {
  return lines.flatMap(({ at, receipt }) => (receipt.kind === 'contribution' ? [{ at, receipt }] : []))
}

/** A chain cut at its end holds by itself; the journal, which others signed, knows the rounds. */
function missingRounds(lines: readonly ReceiptLine[], runs: readonly KeptRun[]): string[] {
  const known = new Set(contributions(lines).map(({ receipt: { session, round } }) => `${session}/${round}`))
  return runs.flatMap(({ session, name, entries }) =>
    entries.flatMap(({ entry }) => {
      if (entry.type !== 'round' || !entry.participants.includes(name)) return []
      const round = roundOf(entry.attempt)
      return known.has(`${session}/${round}`) ? [] : [`${session.slice(0, 12)} round ${round}`]
    }),
  )
}

/** Share of the contributions that had something to shorten in which it was shortened; `null` where none had. */
function clipRate(left: readonly Left[]): number | null {
  const judged = left.filter(({ receipt }) => receipt.clipped !== null)
  return judged.length === 0 ? null : judged.filter(({ receipt }) => receipt.clipped === true).length / judged.length
}

function describe({ at, receipt }: Left): string[] {
  const { session, plan, round, purpose, lanes, clipped, suppressed, mechanism, unit, charge, bytes, sha256 } = receipt
  const noise = unit === null ? 'no noise' : `${charge.map(({ type }) => type).join(', ')} for a ${unit}`
  const held = suppressed > 0 ? `, ${suppressed} small cells held back` : ''
  return [
    `${new Date(at).toISOString()}  ${plan} ${session.slice(0, 12)}  round ${round}: ${purpose}`,
    `  ${lanes.map(({ name, length, norm, largest }) => `${name} (${length}): norm ${norm.toPrecision(4)}${largest === null ? '' : ` of at most ${largest}`}`).join('; ')}`,
    `  ${mechanism}: ${noise}; masked; ${clipped === null ? 'nothing to clip' : clipped ? 'clipped' : 'not clipped'}${held}; ${bytes} bytes ${sha256}`,
  ]
}

const controlLine = ({ at, receipt }: ReceiptLine): string =>
  `${new Date(at).toISOString()}  ${receipt.kind === 'control' ? receipt.type : receipt.purpose}  ${receipt.bytes} bytes ${receipt.sha256}`

interface Summary {
  readonly contributions: number
  readonly bytes: number
  readonly clipRate: number | null
  readonly controlMessages: number
}

function total({ contributions: count, bytes, clipRate: rate, controlMessages }: Summary): string[] {
  const shortened = rate === null ? '' : `, clipped in ${(100 * rate).toFixed(0)} %`
  return [
    `${count} contributions, ${bytes} masked bytes${shortened}; ${controlMessages} control messages; the chain holds`,
  ]
}
