/** `concordat predict MODEL DATA`: a model on a site's own rows; nothing leaves the machine. */

import { createWriteStream } from 'node:fs'
import { readFile, rename } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { Command } from 'commander'
import { parse as parseYaml } from 'yaml'
import { type ModelFile, openModel, outputColumns } from '../learning/algorithms/model-file.ts'
import { mappingFor, parseMapping } from '../learning/data/mapping.ts'
import type { Table } from '../learning/data/table.ts'
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

/** Rows that are in memory at once. */
const rowsAtOnce = 16_384

async function run(modelPath: string, dataPath: string, { mapping, out, json }: Options): Promise<void> {
  const model = await readModel(modelPath)
  const { label: _, ...schema } = model.data
  const request = {
    schema,
    ...(mapping === undefined
      ? {}
      : // The mapping of the site's training data may speak of the label, which these rows lack.
        { mapping: mappingFor(schema, parseMapping(parseYaml(await readText(mapping, 'ERR_MAPPING')), model.data)) }),
  }
  const blocks = (await openSource(dataPath)).blocks(request, rowsAtOnce)
  const columns = outputColumns(model)
  const predicted = predictions(model, blocks)
  if (json) {
    const rows: number[][] = []
    for await (const block of predicted) rows.push(...block)
    console.log(JSON.stringify({ columns, rows }))
  } else if (out === undefined) {
    await pipeline(csvText(columns, predicted), process.stdout, { end: false })
  } else {
    // Under another name until it is whole: a fault in the last row leaves no file that looks finished.
    await pipeline(csvText(columns, predicted), createWriteStream(`${out}.part`))
    await rename(`${out}.part`, out)
  }
}

/** The outputs of every row, block by block. */
async function* predictions(model: ModelFile, blocks: AsyncIterable<Table>): AsyncGenerator<number[][]> {
  const open = await openModel(model, chooseTrainer())
  try {
    const width = outputColumns(model).length
    for await (const block of blocks) {
      const outputs = await open.predict(block)
      yield Array.from({ length: block.rows }, (_, i) => [...outputs.subarray(i * width, (i + 1) * width)])
    }
  } finally {
    open.dispose()
  }
}

async function* csvText(columns: readonly string[], predicted: AsyncIterable<number[][]>): AsyncGenerator<string> {
  yield `${columns.join(',')}\n`
  for await (const rows of predicted) yield rows.map((row) => `${row.join(',')}\n`).join('')
}

const readText = (path: string, code: `ERR_${string}`): Promise<string> =>
  readFile(path, 'utf8').catch((error: unknown) => {
    throw new InputError(code, error instanceof Error ? error.message : String(error), path)
  })
