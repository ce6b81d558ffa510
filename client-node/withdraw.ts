/** `concordat withdraw`: this site leaves a study for good; its agent tells the coordinator with the site's signature. */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Command } from 'commander'
import * as z from 'zod'
import { InputError } from '../protocol/errors.ts'
import { check } from '../protocol/plan.ts'
import { findRun, type KeptRun, keptRuns } from './record-book.ts'
import { replaceFile } from './replace-file.ts'

const withdrawalsSchema = z.array(
  z.strictObject({ session: z.string().regex(/^[0-9a-f]{64}$/), reason: z.string(), at: z.number() }),
)

type Withdrawals = z.infer<typeof withdrawalsSchema>

interface Options {
  readonly folder: string
  readonly reason: string
  readonly json?: true
}

export function withdrawCommand(): Command {
  return new Command('withdraw')
    .description('Leave a run for good: no more of it is answered, and models that hold this site are listed')
    .argument('<run>', "the run's session, or its plan's name")
    .requiredOption('--reason <text>', 'said to the coordinator, and kept in the journal')
    .option('--folder <folder>', "the agent's folder", 'concordat-site')
    .option('--json', 'one JSON object')
    .action(run)
}

/** Why this site has left a run, where it has. @throws InputError ERR_RECORD: what cannot be read allows nothing. */
export async function withdrawnFrom(folder: string, session: string): Promise<string | undefined> {
  return (await readWithdrawals(folder)).find((each) => each.session === session)?.reason
}

async function run(wanted: string, { folder, reason, json }: Options): Promise<void> {
  const left = await findRun(folder, wanted)
  const before = await readWithdrawals(folder)
  if (!before.some(({ session }) => session === left.session)) {
    const all: Withdrawals = [...before, { session: left.session, reason, at: Date.now() }]
    await replaceFile(path(folder), Buffer.from(`${JSON.stringify(all, null, 2)}\n`))
  }
  // Of the same study: this plan, however often it ran.
  const runs = (await keptRuns(folder)).filter(({ plan }) => plan.name === left.plan.name)
  const affected = runs.flatMap(affectedModel)
  if (json) console.log(JSON.stringify({ session: left.session, reason, affected }))
  else {
    console.log(
      `${left.plan.name}: this site takes no further part; a running agent tells the coordinator at its next round`,
    )
    for (const { session, rounds, stateHash } of affected)
      console.log(
        `affected: the model ${stateHash} of run ${session.slice(0, 12)}, which holds this site in ${rounds} rounds`,
      )
    console.log('without this site it would be: concordat run PLAN --without NAME')
  }
}

/** Rounds that name this site among their participants. */
function affectedModel({ session, entries, name }: KeptRun): { session: string; rounds: number; stateHash: string }[] {
  const rounds = entries.flatMap(({ entry }) =>
    entry.type === 'round' && entry.participants.includes(name) ? [entry] : [],
  )
  const last = entries.findLast(({ entry }) => entry.type === 'round')?.entry
  if (rounds.length === 0 || last?.type !== 'round') return []
  return [{ session, rounds: rounds.length, stateHash: last.stateHash }]
}

const path = (folder: string): string => join(folder, 'withdrawals.json')

async function readWithdrawals(folder: string): Promise<Withdrawals> {
  const text = await readFile(path(folder), 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '[]'
    throw error
  })
  try {
    return check(withdrawalsSchema, JSON.parse(text), [], 'ERR_RECORD')
  } catch {
    throw new InputError('ERR_RECORD', 'expected the withdrawals as "concordat withdraw" writes them', path(folder))
  }
}
