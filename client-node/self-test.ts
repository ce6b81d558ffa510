/** `concordat self-test PLAN`: attacks this site's own update, with and without the plan's protection; nothing leaves. */

import { readFile } from 'node:fs/promises'
import { Command, InvalidArgumentError } from 'commander'
import { parse as parseYaml } from 'yaml'
import type { Site } from '../learning/algorithms/site.ts'
import { planMenus } from '../learning/computation.ts'
import { parseMapping } from '../learning/data/mapping.ts'
import { chooseTrainer } from '../learning/engine/choose.ts'
import { type SelfTest, selfTest } from '../learning/self-test/self-test.ts'
import { InputError } from '../protocol/errors.ts'
import { type Plan, parsePlanFile } from '../protocol/plan.ts'
import { openSource } from './data/index.ts'
import { random } from './session.ts'

interface Options {
  readonly data: string
  readonly mapping?: string
  readonly sites: number
  readonly records: number
  readonly models: number
  readonly rounds: number
  readonly json?: true
}

export function selfTestCommand(): Command {
  return new Command('self-test')
    .description("Attack this site's own update as a coordinator would that had got round the masks; nothing leaves")
    .argument('<plan>', 'plan file (YAML or JSON)')
    .requiredOption('--data <file>', "the site's records")
    .option('--mapping <file>', 'how this file names and codes its columns, where it differs from the plan')
    .option('--sites <n>', 'sites of the federation, for which the noise of each is sized', whole(3), 4)
    .option('--records <n>', 'records to recover, each alone in an update', whole(1), 50)
    .option('--models <n>', 'models to train on halves of the records, for membership', even, 16)
    .option('--rounds <n>', 'training rounds of each, at most those of the plan', whole(1), 20)
    .option('--json', 'one JSON object')
    .action(run)
}

async function run(planPath: string, options: Options): Promise<void> {
  const { plan } = parsePlanFile(await text(planPath, 'ERR_PLAN_FILE'), planMenus)
  const site = await openSite(plan, options)
  const say = (line: string): void => {
    if (options.json !== true) console.log(line)
  }
  const { sites, records, models } = options
  const rounds = Math.min(options.rounds, plan.rounds)
  const found = await selfTest(plan, site, { sites, records, models, rounds, random, progress: say })
  if (options.json) console.log(JSON.stringify({ plan: plan.name, rows: site.table.rows, ...found }))
  else for (const line of lines(plan, found)) console.log(line)
}

async function openSite(plan: Plan, { data, mapping }: Options): Promise<Site> {
  const source = await openSource(data)
  const written = mapping === undefined ? undefined : await text(mapping, 'ERR_MAPPING')
  const { table } = await source.table({
    schema: plan.data,
    ...(written === undefined ? {} : { mapping: parseMapping(parseYaml(written), plan.data) }),
  })
  return { name: 'self-test', table, trainer: chooseTrainer(), random }
}

function lines(plan: Plan, { unprotected, protected: own }: SelfTest): string[] {
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`
  const inversion = ({ inversion: found }: SelfTest['unprotected']): string =>
    found === undefined
      ? 'this attack needs a dense first layer with biases'
      : `${percent(found.identified)} of ${found.records} records picked out (guessing: ${percent(found.chance)}); correlation ${found.correlation.toFixed(3)}`
  const members = ({ membership: { auc, foundAtOnePercent } }: SelfTest['unprotected']): string =>
    `AUC ${auc.toFixed(3)} (guessing: 0.500); ${percent(foundAtOnePercent)} of members named where 1 % of others are`
  const under = `under ${plan.privacy.name}`
  return [
    'a record alone in an update, no mask',
    `  no protection      ${inversion(unprotected)}`,
    `  ${under.padEnd(18)} ${own === undefined ? 'the plan has none' : inversion(own)}`,
    "was a record among those that trained this site's model?",
    `  no protection      ${members(unprotected)}`,
    `  ${under.padEnd(18)} ${own === undefined ? 'the plan has none' : members(own)}`,
    'In a run the masks hide the update itself; this is what stood behind them. A stronger attack may find more.',
  ]
}

const text = (path: string, code: `ERR_${string}`): Promise<string> =>
  readFile(path, 'utf8').catch((error: unknown) => {
    throw new InputError(code, error instanceof Error ? error.message : String(error), path)
  })

/** Halves come in pairs. */
function even(given: string): number {
  const value = whole(6)(given)
  if (value % 2 === 0) return value
  throw new InvalidArgumentError('expected an even number')
}

const whole =
  (least: number) =>
  (given: string): number => {
    const value = Number(given)
    if (Number.isInteger(value) && value >= least && value <= 100_000) return value
    throw new InvalidArgumentError(`expected a whole number from ${least} to 100000`)
  }
