/** `concordat simulate STUDY`: many sites on one machine, the deployed code, and what federating would bring. */

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { lineFor } from '../coordinator/terminal.ts'
import { planMenus } from '../learning/computation.ts'
import { chooseTrainer } from '../learning/engine/choose.ts'
import { InputError } from '../protocol/errors.ts'
import { parsePlan } from '../protocol/plan.ts'
import { comparisonTable } from './comparison.ts'
import { summaryOf } from './outcome.ts'
import { studyReport } from './report/study-report.ts'
import { measure, simulate } from './simulate.ts'
import { type Change, cellsOf, parseChange, type StudyFile } from './study/cells.ts'
import { noResults, openResults } from './study/results.ts'
import { settingsOf } from './study/settings.ts'
import { type Progress, readStudy, runStudy, titleOf } from './study/study.ts'
import { csvOf, jsonOf, progressLine, textOf } from './study/text.ts'

export function simulateCommand(): Command {
  return new Command('simulate')
    .description('Run a study with all its sites on this machine, beside each site alone and all data pooled')
    .argument('<study>', 'plan file (YAML or JSON) with a section "simulation"')
    .option('--data <folder>', 'folder with the files of simulation.sites or simulation.file')
    .option('--set <path=value>', 'change one value of the file, for example rounds=5; may be repeated', collect, [])
    .option('--workers <n>', 'threads; 0 for none (default: as many as processors where there is enough to do)', count)
    .addOption(
      new Option('--masks <on|off>', 'on: deployed participants with masks; off: the same sums without')
        .choices(['on', 'off'])
        .default('off'),
    )
    .addOption(new Option('--engine <engine>', 'what trains, whatever the plan says').choices(['compiled', 'tfjs']))
    .option('--out <folder>', 'results of each cell, found again by the next run (default: none for a single cell)')
    .option('--fresh', 'run again what the folder of results knows')
    .option('--report <file>', 'a page with curves and tables (HTML)')
    .option('--csv <file>', 'every figure as a line: cell, seed, of, figure, value')
    .option('--json', 'the last line is one JSON object')
    .action(run)
}

interface Options {
  readonly data?: string
  readonly set: readonly Change[]
  readonly workers?: number
  readonly masks: 'on' | 'off'
  readonly out?: string
  readonly fresh?: true
  readonly report?: string
  readonly csv?: string
  readonly json?: true
  readonly engine?: 'compiled' | 'tfjs'
}

async function run(path: string, options: Options): Promise<void> {
  const { data, json } = options
  const file = await readStudy(path, options.set)
  if (options.masks === 'on') return masked(file, options)
  const cells = cellsOf(file)
  const many = cells.length > 1
  const folder = options.out ?? (many ? join('study-results', cells[0].plan.name) : undefined)
  const say = (line: string | undefined): void => {
    if (line !== undefined && json !== true) console.log(line)
  }
  const results = await runStudy(file, {
    data,
    workers: options.workers,
    engine: options.engine,
    results: folder === undefined ? noResults : await openResults(folder, { fresh: options.fresh === true }),
    tell: (progress) => say(lineOf(progress, many)),
  })
  const command = ['npx concordat simulate', path, ...(data === undefined ? [] : ['--data', data])].join(' ')
  if (options.report !== undefined) {
    await writeFile(
      options.report,
      studyReport({ ...titleOf(file), results, command: withChanges(command, options.set) }),
    )
  }
  if (options.csv !== undefined) await writeFile(options.csv, csvOf(results))
  console.log(json === true ? JSON.stringify(jsonOf(cells[0].plan.name, results)) : textOf(results))
}

function lineOf(progress: Progress, many: boolean): string | undefined {
  if (progress.type === 'cell') return many ? progressLine(progress) : undefined
  const line = many ? undefined : lineFor(progress.event)
  return line === undefined ? undefined : `seed ${progress.seed}  ${line}`
}

/** The deployed participants, for plans that need nothing of the lab. @throws InputError ERR_PLAN */
async function masked(file: StudyFile, { data, json, engine, report, csv, out }: Options): Promise<void> {
  const { simulation, ...rest } = file
  const settings = settingsOf(simulation)
  const lab = (['population', 'attack', 'defence', 'asynchronous', 'scores', 'variants', 'sweep'] as const).find(
    (key) => settings[key] !== undefined,
  )
  const written = Object.entries({ report, csv, out }).find(([, path]) => path !== undefined)
  if (written !== undefined) {
    throw new InputError(
      'ERR_CONFIG',
      'is written of the same sums without masks; leave --masks off',
      `--${written[0]}`,
    )
  }
  if (settings.faults.length > 0 || lab !== undefined) {
    throw new InputError(
      'ERR_PLAN',
      'deployed participants know nothing of it; leave --masks off',
      `simulation.${lab ?? 'faults'}`,
    )
  }
  const planFile = { plan: parsePlan(rest, planMenus), simulation }
  const run = {
    data,
    trainer: chooseTrainer(engine && { prefer: engine }),
    report: (event: Parameters<typeof lineFor>[0], seed: number) => {
      const line = lineFor(event)
      if (line !== undefined && json !== true) console.log(`seed ${seed}  ${line}`)
    },
  }
  if (planFile.plan.model === undefined) {
    console.log(JSON.stringify(await measure(planFile, run), null, json === true ? undefined : 2))
    return
  }
  const outcomes = await simulate(planFile, run)
  console.log(json === true ? JSON.stringify(summaryOf(outcomes)) : comparisonTable(outcomes))
}

const withChanges = (command: string, changes: readonly Change[]): string =>
  [command, ...changes.map(({ path, value }) => `--set '${path}=${JSON.stringify(value)}'`)].join(' ')

const collect = (text: string, before: readonly Change[]): readonly Change[] => [...before, parseChange(text)]

function count(text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 0 && value <= 256) return value
  throw new InvalidArgumentError('expected a whole number from 0 to 256')
}
