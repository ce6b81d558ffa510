/** The part of the ONNX format that models here need, written and read as Protocol Buffers: onnx.proto of ONNX 1.14. */

import { PbfReader, PbfWriter } from 'pbf'
import { utf8 } from '../../protocol/bytes.ts'

/** TensorProto.DataType. */
export const dataTypes = { float: 1, uint8: 2, int64: 7, string: 8, double: 11 } as const
export type DataType = keyof typeof dataTypes

export type Attribute = number | string | readonly number[] | readonly string[] | { readonly float: number }

export interface Node {
  readonly op: string
  readonly inputs: readonly string[]
  readonly output: string
  readonly attributes?: Readonly<Record<string, Attribute>>
  /** The operator set, where it is not ONNX's own. */
  readonly domain?: string
}

export interface Initializer {
  readonly name: string
  readonly type: DataType
  readonly shape: readonly number[]
  /** Little-endian, row-major. */
  readonly bytes: Uint8Array
}

/** The first side of every input and output is the number of rows. */
export interface Value {
  readonly name: string
  readonly type: DataType
  readonly shape: readonly number[]
}

export interface Graph {
  readonly inputs: readonly Value[]
  readonly output: Value
  readonly nodes: readonly Node[]
  readonly initializers: readonly Initializer[]
  readonly metadata: Readonly<Record<string, string>>
}

const irVersion = 8
/** The first with LayerNormalization is 17; what is used of it has not changed since. */
const operatorSets = [
  { domain: '', version: 17 },
  { domain: 'ai.onnx.ml', version: 3 },
]

/** ModelProto. */
export function writeGraph(graph: Graph): Uint8Array {
  const pbf = new PbfWriter()
  pbf.writeVarintField(1, irVersion)
  pbf.writeStringField(2, 'concordat')
  pbf.writeMessage(7, writeGraphProto, graph)
  for (const set of operatorSets) {
    pbf.writeMessage(
      8,
      ({ domain, version }, message) => {
        message.writeStringField(1, domain)
        message.writeVarintField(2, version)
      },
      set,
    )
  }
  for (const [key, value] of Object.entries(graph.metadata)) {
    pbf.writeMessage(
      14,
      (_, message) => {
        message.writeStringField(1, key)
        message.writeStringField(2, value)
      },
      undefined,
    )
  }
  return pbf.finish()
}

function writeGraphProto(graph: Graph, pbf: PbfWriter): void {
  for (const node of graph.nodes) pbf.writeMessage(1, writeNode, node)
  pbf.writeStringField(2, 'concordat')
  for (const initializer of graph.initializers) pbf.writeMessage(5, writeTensor, initializer)
  for (const input of graph.inputs) pbf.writeMessage(11, writeValue, input)
  pbf.writeMessage(12, writeValue, graph.output)
}

function writeNode({ op, inputs, output, attributes = {}, domain }: Node, pbf: PbfWriter): void {
  for (const input of inputs) pbf.writeStringField(1, input)
  pbf.writeStringField(2, output)
  pbf.writeStringField(3, output)
  pbf.writeStringField(4, op)
  for (const entry of Object.entries(attributes)) pbf.writeMessage(5, writeAttribute, entry)
  if (domain !== undefined) pbf.writeStringField(7, domain)
}

/** AttributeProto: the value's field, then its type. */
function writeAttribute([name, value]: [string, Attribute], pbf: PbfWriter): void {
  pbf.writeStringField(1, name)
  if (typeof value === 'number') {
    pbf.writeVarintField(3, value)
    pbf.writeVarintField(20, 2)
  } else if (typeof value === 'string') {
    pbf.writeBytesField(4, utf8(value))
    pbf.writeVarintField(20, 3)
  } else if ('float' in value) {
    pbf.writeFloatField(2, value.float)
    pbf.writeVarintField(20, 1)
  } else {
    for (const each of value) {
      if (typeof each === 'string') pbf.writeBytesField(9, utf8(each))
      else pbf.writeVarintField(8, each)
    }
    pbf.writeVarintField(20, typeof value[0] === 'string' ? 8 : 7)
  }
}

function writeTensor({ name, type, shape, bytes }: Initializer, pbf: PbfWriter): void {
  for (const side of shape) pbf.writeVarintField(1, side)
  pbf.writeVarintField(2, dataTypes[type])
  pbf.writeStringField(8, name)
  pbf.writeBytesField(9, bytes)
}

function writeValue({ name, type, shape }: Value, pbf: PbfWriter): void {
  const dimension = (side: number | string, message: PbfWriter): void => {
    if (typeof side === 'string') message.writeStringField(2, side)
    else message.writeVarintField(1, side)
  }
  const dimensions = (_: unknown, message: PbfWriter): void => {
    for (const side of ['rows', ...shape]) message.writeMessage(1, dimension, side)
  }
  const tensor = (_: unknown, message: PbfWriter): void => {
    message.writeVarintField(1, dataTypes[type])
    message.writeMessage(2, dimensions, undefined)
  }
  pbf.writeStringField(1, name)
  pbf.writeMessage(2, (_, message) => message.writeMessage(1, tensor, undefined), undefined)
}

export interface ReadInitializer {
  name: string
  type: number
  shape: number[]
  bytes: Uint8Array
}

export interface ReadModel {
  readonly initializers: ReadInitializer[]
  readonly metadata: Map<string, string>
}

/** The tensors and the metadata of a model. @throws Error what the reader of Protocol Buffers says of broken bytes */
export function readGraph(bytes: Uint8Array): ReadModel {
  return new PbfReader(bytes).readFields(
    (tag, model, pbf) => {
      if (tag === 7) pbf.readMessage(readGraphField, model)
      else if (tag === 14) {
        const [key, value] = pbf.readMessage<string[]>((field, pair, message) => {
          if (field === 1 || field === 2) pair[field - 1] = message.readString()
        }, [])
        model.metadata.set(key, value)
      }
    },
    { initializers: [], metadata: new Map() } as ReadModel,
  )
}

function readGraphField(tag: number, model: ReadModel, pbf: PbfReader): void {
  if (tag !== 5) return
  const empty: ReadInitializer = { name: '', type: 0, shape: [], bytes: new Uint8Array(0) }
  model.initializers.push(pbf.readMessage(readTensorField, empty))
}

function readTensorField(tag: number, tensor: ReadInitializer, pbf: PbfReader): void {
  if (tag === 1) pbf.readPackedVarint(tensor.shape)
  else if (tag === 2) tensor.type = pbf.readVarint()
  else if (tag === 4) floatsInto(tensor, pbf.readPackedFloat())
  else if (tag === 8) tensor.name = pbf.readString()
  else if (tag === 9) tensor.bytes = pbf.readBytes()
}

/** Other tools may keep numbers as a list of floats. */
function floatsInto(tensor: ReadInitializer, values: readonly number[]): void {
  const bytes = new Uint8Array(4 * values.length)
  const view = new DataView(bytes.buffer)
  for (const [i, value] of values.entries()) view.setFloat32(4 * i, value, true)
  tensor.bytes = bytes
}
