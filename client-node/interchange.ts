/** `concordat export` and `concordat import`: a model to other tools and back, its preprocessing with it. */

import { mkdir, writeFile } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'
import { Command, Option } from 'commander'
import { formats } from '../learning/interchange/index.ts'
import { readModel } from './model-path.ts'

export function exportCommand(): Command {
  return new Command('export')
    .description('Write a model for other tools; schema and preprocessing travel with it')
    .argument('<model>', 'model file that a run wrote, or an export')
    .addOption(new Option('--to <format>', 'the format').choices(Object.keys(formats)).makeOptionMandatory())
    .option('--out <folder>', 'where the file or files go; default: beside the model')
    .option('--json', 'one JSON object')
    .action(runExport)
}

interface ExportOptions {
  readonly to: string
  readonly out?: string
  readonly json?: true
}

async function runExport(path: string, { to, out = dirname(path), json }: ExportOptions): Promise<void> {
  const model = await readModel(path)
  const stem = basename(path, extname(path))
  // Of TensorFlow.js's two files the first ends in `.json`, as the project's own does.
  const parts = formats[to].write(model, to === 'tfjs' ? `${stem}-tfjs` : stem)
  await mkdir(out, { recursive: true })
  const files = parts.map(({ name }) => join(out, name))
  for (const [i, { bytes }] of parts.entries()) await writeFile(files[i], bytes)
  console.log(json ? JSON.stringify({ format: to, files }) : files.map((file) => `wrote ${file}`).join('\n'))
}

export function importCommand(): Command {
  return new Command('import')
    .description('Turn an export back into a model file, with the numbers it holds now')
    .argument('<file>', 'an export: .onnx, .safetensors, or the .json of a LayersModel')
    .option('--out <file>', 'the model file', 'model.json')
    .option('--json', 'one JSON object')
    .action(runImport)
}

async function runImport(path: string, { out, json }: { readonly out: string; readonly json?: true }): Promise<void> {
  const model = await readModel(path)
  await mkdir(dirname(out), { recursive: true })
  await writeFile(out, `${JSON.stringify(model, null, 2)}\n`)
  console.log(json ? JSON.stringify({ file: out, plan: model.plan }) : `wrote ${out}, of the plan "${model.plan.name}"`)
}
