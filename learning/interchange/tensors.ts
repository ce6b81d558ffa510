/** A model as named tensors beside a header: the two halves that every foreign format carries. */

import { toBase64 } from '../../protocol/base64.ts'
import { InputError } from '../../protocol/errors.ts'
import { float32Bytes, float32s, type ModelFile, parametersOf, parseModel } from '../algorithms/model-file.ts'
import { layOut, type ParameterTensor } from '../models/layout.ts'

export interface NamedTensor {
  readonly name: string
  readonly shape: readonly number[]
  /** Row-major. */
  readonly values: Float32Array
}

/** The tensors in layout order, under the layout's names. */
export function tensorsOf(model: ModelFile): NamedTensor[] {
  const parameters = parametersOf(model)
  return placedTensors(model).map(({ name, shape, offset, size }) => ({
    name,
    shape,
    values: parameters.subarray(offset, offset + size),
  }))
}

/** Everything but the numbers, as JSON: schema, preprocessing and layers travel with them. */
export const headerOf = (model: ModelFile): string => JSON.stringify({ ...model, parameters: '' })

/** The model file again; `names` says what a format calls the tensors, in layout order. @throws InputError ERR_MODEL_FILE where a tensor is missing or of another shape. */
export function modelFrom(
  header: string | undefined,
  tensors: ReadonlyMap<string, NamedTensor>,
  names?: (model: ModelFile) => readonly string[],
): ModelFile {
  const value = header === undefined ? undefined : parseJson(header)
  if (typeof value !== 'object' || value === null) {
    const message = 'this model was not exported by concordat: schema and preprocessing are missing'
    throw new InputError('ERR_MODEL_FILE', message)
  }
  const empty = parseModel(value, 'without parameters')
  const placed = placedTensors(empty)
  const parameters = new Float32Array(placed.reduce((size, tensor) => size + tensor.size, 0))
  const foreign = names?.(empty)
  for (const [i, { name: own, shape, offset }] of placed.entries()) {
    const name = foreign?.[i] ?? own
    const found = tensors.get(name)
    if (found === undefined || found.shape.join() !== shape.join()) {
      const kind = found === undefined ? 'none' : `one of [${found.shape.join(', ')}]`
      throw new InputError('ERR_MODEL_FILE', `expected a tensor of [${shape.join(', ')}], found ${kind}`, name)
    }
    parameters.set(found.values, offset)
  }
  return parseModel({ ...empty, parameters: toBase64(float32Bytes(parameters)) })
}

/** @throws InputError ERR_MODEL_FILE */
export function parseJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '')
  } catch {
    throw new InputError('ERR_MODEL_FILE', 'expected JSON')
  }
}

/** Numbers of a tensor from its bytes. @throws InputError ERR_MODEL_FILE where they are not as many as the shape says. */
export function tensorFrom(name: string, shape: readonly number[], bytes: Uint8Array): NamedTensor {
  const size = shape.reduce((all, side) => all * side, 1)
  if (bytes.length === 4 * size) return { name, shape, values: float32s(bytes) }
  throw new InputError('ERR_MODEL_FILE', `expected ${4 * size} bytes, found ${bytes.length}`, name)
}

const placedTensors = ({ model }: ModelFile): ParameterTensor[] =>
  layOut(model).layers.flatMap(({ tensors }) => tensors)
