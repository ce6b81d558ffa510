/** Collects the nodes and constants of an ONNX graph while a model is written out, naming what lies between them. */

import { float32Bytes } from '../algorithms/model-file.ts'
import type { Attribute, Initializer, Node, Value } from './onnx-graph.ts'

export class OnnxBuilder {
  readonly inputs: Value[] = []
  readonly nodes: Node[] = []
  readonly initializers: Initializer[] = []

  input(value: Value): string {
    this.inputs.push(value)
    return value.name
  }

  /** @returns the name of its output. */
  node(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    domain?: string,
  ): string {
    const output = `${op}_${this.nodes.length}`
    this.nodes.push({ op, inputs, output, attributes, ...(domain === undefined ? {} : { domain }) })
    return output
  }

  floats(name: string, shape: readonly number[], values: Float32Array): string {
    this.initializers.push({ name, type: 'float', shape, bytes: float32Bytes(values) })
    return name
  }

  /** One number for all rows. */
  float(value: number): string {
    return this.floats(this.#fresh(), [], Float32Array.of(value))
  }

  double(value: number): string {
    const bytes = new Uint8Array(8)
    new DataView(bytes.buffer).setFloat64(0, value, true)
    this.initializers.push({ name: this.#fresh(), type: 'double', shape: [], bytes })
    return this.#last()
  }

  whole(values: readonly number[]): string {
    const bytes = new Uint8Array(8 * values.length)
    const view = new DataView(bytes.buffer)
    for (const [i, value] of values.entries()) view.setBigInt64(8 * i, BigInt(value), true)
    this.initializers.push({ name: this.#fresh(), type: 'int64', shape: [values.length], bytes })
    return this.#last()
  }

  #fresh(): string {
    return `constant_${this.initializers.length}`
  }

  #last(): string {
    return this.initializers[this.initializers.length - 1].name
  }
}
