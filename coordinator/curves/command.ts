/** `concordat curves`: the metrics of a run, as `concordat run --json` told them, for TensorBoard, MLflow or a table. */

import { readFile } from 'node:fs/promises'
import { Command, Option } from 'commander'
import { InputError } from '../../protocol/errors.ts'
import { parseRunEvent, type TimedEvent } from '../events.ts'
import { curvesOf } from './curve.ts'
import { curveFormats } from './index.ts'

interface Options {
  readonly format: string
  readonly out: string
  readonly name: string
  readonly json?: true
}

export function curvesCommand(): Command {
  return new Command('curves')
    .description('Write the learning curves of a run for TensorBoard, MLflow or a spreadsheet')
    .argument('<events>', 'file with the lines of "concordat run --json"')
    .addOption(new Option('--format <format>', 'for whom').choices(Object.keys(curveFormats)).default('tensorboard'))
    .option('--out <folder>', 'where the files go', 'curves')
    .option('--name <name>', "the run's name there", 'run')
    .option('--json', 'one JSON object')
    .action(async (path: string, { format, out, name, json }: Options) => {
      const events = await readEvents(path)
      const files = await curveFormats[format](curvesOf({ id: idOf(events), name }, events), out)
      console.log(json ? JSON.stringify({ files }) : files.join('\n'))
    })
}

/** The same run has the same id, however often it is exported. */
const idOf = (events: readonly TimedEvent[]): string => (events[0]?.at ?? 0).toString(16).padStart(16, '0')

/** @throws InputError ERR_EVENTS */
async function readEvents(path: string): Promise<readonly TimedEvent[]> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new InputError('ERR_EVENTS', error instanceof Error ? error.message : String(error), path)
  })
  const lines = text.split('\n').filter((line) => line !== '')
  return lines.map((line, i) => {
    try {
      return parseRunEvent(JSON.parse(line))
    } catch {
      throw new InputError('ERR_EVENTS', 'expected a line of "concordat run --json"', `${path}:${i + 1}`)
    }
  })
}
