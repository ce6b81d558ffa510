/** `concordat demo`: a coordinator and its sites as real processes on loopback, one of them killed in the middle and back. */

import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command as Cli } from 'commander'
import { type FinishedEvent, parseRunEvent, type RoundEvent, type RunEvent } from '../../coordinator/events.ts'
import { lineFor } from '../../coordinator/terminal.ts'
import { parseModel } from '../../learning/algorithms/model-file.ts'
import { chooseTrainer } from '../../learning/engine/choose.ts'
import { toHex } from '../../protocol/bytes.ts'
import { type Plan, type PlanFile, planHash } from '../../protocol/plan.ts'
import { comparisonTable } from '../comparison.ts'
import { datasets } from '../datasets/index.ts'
import { type Outcome, outcomeOf, summaryOf } from '../outcome.ts'
import { report } from '../report/report.ts'
import { openSites, readPlanFile } from '../simulate.ts'
import { type StudySettings, settingsOf } from '../study/settings.ts'
import { demoPolicy, type ProcessFederation, type ProcessSite, startProcesses } from './processes.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))

interface Options {
  readonly plan?: string
  readonly data?: string
  readonly out: string
  readonly json?: true
}

export function demoCommand(): Cli {
  return new Cli('demo')
    .description('Run a coordinator and its sites as real processes on this machine, and kill one in the middle')
    .option('--plan <file>', 'plan file (default: examples/hospitals.yaml, with --data examples/heart.yaml)')
    .option('--data <folder>', 'folder with the files of simulation.sites (default: data generated from a seed)')
    .option('--out <folder>', 'where keys, models, receipts and the report go; emptied first', 'concordat-demo')
    .option('--json', 'the last line is one JSON object')
    .action(demo)
}

async function demo(options: Options): Promise<void> {
  const say = (line: string): void => {
    if (options.json !== true) console.log(line)
  }
  const planPath = options.plan ?? join(root, 'examples', options.data === undefined ? 'hospitals.yaml' : 'heart.yaml')
  const file = await readPlanFile(planPath)
  const settings = settingsOf(file.simulation)
  await rm(options.out, { recursive: true, force: true })
  await mkdir(options.out, { recursive: true })
  const sites = await siteFiles(file, settings, options)
  say(`${file.plan.name}: a coordinator and ${sites.length} sites, each a process of its own on this machine`)
  const federation = await startProcesses({
    entry: join(root, 'dist', 'concordat.js'),
    folder: options.out,
    sites,
    patience: 10,
  })
  say(`each site's policy, written and confirmed by this demo: the defaults, but ${JSON.stringify(demoPolicy)}`)
  try {
    const { events, finished } = await train(federation, { planPath, sites, say })
    const outcome = await outcomeOf(file.plan, {
      model: parseModel(finished.result),
      modelHash: finished.modelHash,
      rounds: finished.rounds,
      sites: await openSites(file.plan, settings, { data: options.data, trainer: chooseTrainer() }),
    })
    await finish(outcome, { plan: file.plan, events, sites, options, say })
  } finally {
    await federation.stop()
  }
}

/** The sites' files: as they lie in the folder of data, or written from the built-in generator. */
async function siteFiles({ plan }: PlanFile, settings: StudySettings, { data, out }: Options): Promise<ProcessSite[]> {
  if (data !== undefined && settings.sites !== undefined) {
    return settings.sites.map(({ name, file }) => ({ name, data: resolve(data, file) }))
  }
  const generated = datasets[settings.dataset ?? 'four-hospitals'].generate({ seed: plan.seed })
  return Promise.all(
    generated.map(async ({ site, csv }) => {
      await mkdir(join(out, site), { recursive: true })
      const path = join(out, site, 'records.csv')
      await writeFile(path, csv)
      return { name: site, data: path }
    }),
  )
}

interface Stage {
  readonly planPath: string
  readonly sites: readonly ProcessSite[]
  readonly say: (line: string) => void
}

interface Course {
  readonly events: readonly RunEvent[]
  readonly finished: FinishedEvent
}

/** Early, so that the rounds without the site and those after its return both show. */
const killedInRound = 4

async function train(federation: ProcessFederation, { planPath, sites, say }: Stage): Promise<Course> {
  const agents = sites.map(({ name }) => federation.site(name))
  const events: RunEvent[] = []
  const run = federation.run(planPath)
  run.watch((line) => {
    const event = parseRunEvent(line)
    events.push(event)
    const text = lineFor(event)
    if (text !== undefined && event.type !== 'waiting') say(text)
  })
  const victim = sites.length - 1
  const { name } = sites[victim]
  const back = agents[victim]
    .until(({ type, round }) => type === 'contributing' && round === killedInRound)
    .then(async () => {
      await agents[victim].kill('SIGKILL')
      say(`-- ${name} was killed with kill -9 in the middle of round ${killedInRound}; its agent starts again --`)
      return federation.site(name)
    })
  await run.until(({ type }) => type === 'finished')
  const { code, stderr } = await run.exited
  if (code !== 0) throw new Error(`concordat run ended with ${code}: ${stderr}`)
  agents[victim] = await back
  await Promise.all(agents.map((agent) => agent.until(({ type }) => type === 'finished')))
  const finished = events.find((event): event is FinishedEvent => event.type === 'finished')
  if (finished === undefined) throw new Error('the run ended without a result')
  return { events, finished }
}

interface Ending extends Omit<Stage, 'planPath'>, Pick<Course, 'events'> {
  readonly plan: Plan
  readonly options: Options
}

async function finish(outcome: Outcome, { plan, events, sites, options, say }: Ending): Promise<void> {
  const { out, json } = options
  const page = report({
    name: plan.name,
    description: plan.description,
    planHash: toHex(planHash(plan)),
    courses: [{ rounds: events.filter(isRound), outcome }],
    command: `npm run demo${options.data === undefined ? '' : ` -- --data ${options.data}`}`,
  })
  await writeFile(join(out, 'report.html'), page)
  if (json === true) {
    console.log(JSON.stringify(summaryOf([outcome])))
    return
  }
  say('')
  say(comparisonTable([outcome]))
  say('')
  say(`the report, to open in a browser:   ${join(out, 'report.html')}`)
  say(`the model, the same at every site:  ${join(out, sites[0].name, 'model.json')}`)
  say(`what left a site, round by round:   npx concordat receipts --folder ${join(out, sites[0].name)}`)
  say(`that nothing was altered:           npx concordat audit verify --folder ${join(out, sites[0].name)}`)
  say(`to use it on new rows:              npx concordat predict ${join(out, sites[0].name, 'model.json')} FILE.csv`)
  say('next: your own files with --data and --plan; over machines, "A real federation" in README.md')
}

const isRound = (event: RunEvent): event is RoundEvent => event.type === 'round'
