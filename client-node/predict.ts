/** `concordat predict MODEL DATA`: a model on a site's own rows; nothing leaves the machine. */

import { readFile, writeFile } from 'node:fs/promises'
import { Command } from 'commander'
import { parse as parseYaml } from 'yaml'
import { type ModelFile, predict } from '../learning/algorithms/model-file.ts'
import { parseMapping } from '../learning/data/mapping.ts'
import { chooseTrainer } from '../learning/engine/choose.ts'
import { InputError } from '../protocol/errors.ts'
import { openSource } from './data/index.ts'
import { readModel } from './model-path.ts'

interface Options {
  readonly mapping?: string
  readonly out?: string
  readonly json?: true
}

export function predictCommand(): Command {
  return new Command('predict')
    .description('Apply a model to rows of a file; nothing leaves this machine')
    .argument('<model>', 'model file that a run wrote, or an export: .onnx, .safetensors, .json of a LayersModel')
    .argument('<data>', "rows with the plan's columns, without the label: CSV, Parquet, IDX file or folder of images")
    .option('--mapping <file>', 'how this file names and codes its columns, where it differs from the plan')
    .option('--out <file>', 'where the predictions go (CSV); default: the terminal')
    .option('--json', 'one JSON object')
    .action(run)
}

async function run(modelPath: string, dataPath: string, { mapping, out, json }: Options): Promise<void> {
  const model = await readModel(modelPath)
  const { label: _, ...schema } = model.data
  const { table } = await (await openSource(dataPath)).table({
    schema,
    ...(mapping === undefined
      ? {}
      : { mapping: parseMapping(parseYaml(await readText(mapping, 'ERR_MAPPING')), schema) }),
  })
  const columns = outputColumns(model)
  const outputs = await predict(model, table, chooseTrainer())
  const rows = Array.from({ length: table.rows }, (_row, i) => [
    ...outputs.subarray(i * columns.length, (i + 1) * columns.length),
  ])
  if (json) console.log(JSON.stringify({ columns, rows }))
  else {
    const text = [columns.join(','), ...rows.map((row) => row.join(','))].join('\n')
    if (out === undefined) console.log(text)
    else await writeFile(out, `${text}\n`)
  }
}

/** What each output of a row is: a probability of the positive class, one a class, or the label's number. */
function outputColumns({ data: { label } }: ModelFile): readonly string[] {
  if (label?.type === 'class') return label.classes.map((name) => `probability of ${name}`)
  return [label?.type === 'binary' ? `probability of ${label.column}` : (label?.column ?? 'prediction')]
}

const readText = (path: string, code: `ERR_${string}`): Promise<string> =>
  readFile(path, 'utf8').catch((error: unknown) => {
    throw new InputError(code, error instanceof Error ? error.message : String(error), path)
  })
