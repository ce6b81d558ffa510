/**
 * Models as ONNX: preprocessing, layers and link as operators, so that a runtime needs nothing else. Inputs are the
 * plan's columns by name, the output is `prediction`. The specification: https://onnx.ai/onnx/repo-docs/IR.html.
 */

import { InputError } from '../../protocol/errors.ts'
import type { ModelFile } from '../algorithms/model-file.ts'
import { layOut } from '../models/layout.ts'
import type { ModelFormat } from './format.ts'
import { OnnxBuilder } from './onnx-builder.ts'
import { dataTypes, readGraph, writeGraph } from './onnx-graph.ts'
import { applyLayer, shapeInput, turnBack } from './onnx-layers.ts'
import { preprocess } from './onnx-preprocessing.ts'
import { headerOf, modelFrom, type NamedTensor, tensorFrom, tensorsOf } from './tensors.ts'

export const onnx: ModelFormat = {
  write(model, stem) {
    const graph = new OnnxBuilder()
    const { layers, outputs } = layOut(model.model)
    const tensors = tensorsOf(model)
    let x = shapeInput(graph, preprocess(graph, model.preprocessing), model.model.input)
    for (const placed of layers) x = applyLayer(graph, placed, tensors.splice(0, placed.tensors.length), x)
    graph.nodes.push({ op: 'Identity', inputs: [link(graph, model, x)], output: 'prediction' })
    const output = { name: 'prediction', type: 'float' as const, shape: [outputs] }
    const { inputs, nodes, initializers } = graph
    const bytes = writeGraph({ inputs, output, nodes, initializers, metadata: { concordat: headerOf(model) } })
    return [{ name: `${stem}.onnx`, bytes }]
  },

  async read(main) {
    const { initializers, metadata } = readable(() => readGraph(main))
    const tensors = new Map<string, NamedTensor>()
    for (const { name, type, shape, bytes } of initializers) {
      if (type !== dataTypes.float) continue
      const tensor = tensorFrom(name, shape, bytes)
      // Kernels of convolutions, alone of all, have four sides.
      tensors.set(name, shape.length === 4 ? turnBack(tensor) : tensor)
    }
    return modelFrom(metadata.get('concordat'), tensors)
  },
}

/** Probabilities, or numbers in the label's unit. */
function link(graph: OnnxBuilder, { model: { loss }, preprocessing: { label } }: ModelFile, x: string): string {
  switch (loss) {
    case 'binary-cross-entropy':
      return graph.node('Sigmoid', [x])
    case 'cross-entropy':
      return graph.node('Softmax', [x], { axis: 1 })
    case 'mean-squared-error': {
      if (label === undefined) return x
      const scaled = graph.node('Mul', [x, graph.float(label.deviation)])
      return graph.node('Add', [scaled, graph.float(label.mean)])
    }
  }
}

/** The reader of Protocol Buffers throws whatever broken bytes lead it to. */
function readable<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new InputError('ERR_MODEL_FILE', `this is no ONNX file, or it is truncated: ${reason}`)
  }
}
