/** A model from a path, whatever its format: the file a run wrote, ONNX, safetensors, or a LayersModel of TensorFlow.js. */

import { readFile, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { type ModelFile, parseModelFile } from '../learning/algorithms/model-file.ts'
import { formats } from '../learning/interchange/index.ts'
import { InputError } from '../protocol/errors.ts'

/** A folder stands for the `model.json` inside. @throws InputError ERR_MODEL_FILE */
export async function readModel(path: string): Promise<ModelFile> {
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
  const file = isFolder ? join(path, 'model.json') : path
  const bytes = await readPart(file)
  const format = formatOf(file, bytes)
  return format === undefined
    ? parseModelFile(Buffer.from(bytes).toString('utf8'))
    : formats[format].read(bytes, (name) => readBeside(file, name))
}

/** The key in the menu of formats, undefined for the project's own. */
function formatOf(path: string, bytes: Uint8Array): string | undefined {
  const name = path.toLowerCase()
  if (name.endsWith('.onnx')) return 'onnx'
  if (name.endsWith('.safetensors')) return 'safetensors'
  return Buffer.from(bytes).includes('"weightsManifest"') ? 'tfjs' : undefined
}

/** Another file of the same model: beside the first, and nowhere else. */
function readBeside(path: string, name: string): Promise<Uint8Array> {
  if (name === basename(name)) return readPart(join(dirname(path), name))
  throw new InputError('ERR_MODEL_FILE', `expected the name of a file beside the model, found "${name}"`, path)
}

const readPart = (path: string): Promise<Uint8Array> =>
  readFile(path).catch((error: unknown) => {
    throw new InputError('ERR_MODEL_FILE', error instanceof Error ? error.message : String(error), path)
  })
