/**
 * Models as safetensors: a length, a JSON header, and the numbers of every tensor one after the other. Schema and
 * preprocessing stand in its metadata. https://github.com/huggingface/safetensors, section "Format".
 */

import * as z from 'zod'
import { concat, utf8, utf8Text } from '../../protocol/bytes.ts'
import { InputError } from '../../protocol/errors.ts'
import { check } from '../../protocol/plan.ts'
import { float32Bytes } from '../algorithms/model-file.ts'
import type { ModelFormat } from './format.ts'
import { headerOf, modelFrom, parseJson, tensorFrom, tensorsOf } from './tensors.ts'

/** The format's own bound. */
const largestHeader = 100_000_000

export const safetensors: ModelFormat = {
  write(model, stem) {
    const header: Record<string, unknown> = { __metadata__: { format: 'concordat', concordat: headerOf(model) } }
    let offset = 0
    const data = tensorsOf(model).map(({ name, shape, values }) => {
      const bytes = float32Bytes(values)
      header[name] = { dtype: 'F32', shape, data_offsets: [offset, offset + bytes.length] }
      offset += bytes.length
      return bytes
    })
    const json = utf8(JSON.stringify(header))
    // Blanks behind the header, so that the numbers begin at a multiple of eight.
    const padded = new Uint8Array(8 * Math.ceil(json.length / 8)).fill(32)
    padded.set(json)
    const length = new Uint8Array(8)
    new DataView(length.buffer).setBigUint64(0, BigInt(padded.length), true)
    return [{ name: `${stem}.safetensors`, bytes: concat(length, padded, ...data) }]
  },

  async read(main) {
    const { header, data } = split(main)
    const { __metadata__: metadata, ...entries } = header
    const tensors = Object.entries(entries).map(
      ([
        name,
        {
          dtype,
          shape,
          data_offsets: [start, end],
        },
      ]) => {
        if (dtype !== 'F32') throw new InputError('ERR_MODEL_FILE', `expected F32, found ${dtype}`, name)
        if (start > end || end > data.length) {
          throw new InputError('ERR_MODEL_FILE', `expected numbers inside the file's ${data.length} bytes`, name)
        }
        return [name, tensorFrom(name, shape, data.subarray(start, end))] as const
      },
    )
    return modelFrom(metadata?.concordat, new Map(tensors))
  },
}

const offset = z.int().min(0)
const entry = z.strictObject({
  dtype: z.string(),
  shape: z.array(z.int().min(0)),
  data_offsets: z.tuple([offset, offset]),
})
const headerSchema = z.object({ __metadata__: z.record(z.string(), z.string()).optional() }).catchall(entry)

function split(bytes: Uint8Array): { readonly header: z.infer<typeof headerSchema>; readonly data: Uint8Array } {
  const broken = (message: string) => new InputError('ERR_MODEL_FILE', message)
  if (bytes.length < 8) throw broken('this is no safetensors file')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const length = Number(view.getBigUint64(0, true))
  if (length > largestHeader || 8 + length > bytes.length)
    throw broken('this is no safetensors file, or it is truncated')
  const header = parseJson(utf8Text(bytes.subarray(8, 8 + length)))
  return { header: check(headerSchema, header, [], 'ERR_MODEL_FILE'), data: bytes.subarray(8 + length) }
}
