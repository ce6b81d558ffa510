/** The preprocessing as ONNX operators: one input a column, as the site records it in the plan's units and codes. */

import type { Preprocessing } from '../data/preprocess.ts'
import { imageSize } from '../data/table.ts'
import type { OnnxBuilder } from './onnx-builder.ts'
import { dataTypes } from './onnx-graph.ts'

type Step = Preprocessing['columns'][number]
type NumberStep = Extract<Step, { readonly type: 'number' }>
type CategoryStep = Extract<Step, { readonly type: 'category' }>

/** @returns the name of the features, [rows, features]. */
export function preprocess(graph: OnnxBuilder, { columns, images = [] }: Preprocessing): string {
  const features = columns.flatMap((step) =>
    step.type === 'number' ? ofNumber(graph, step) : [ofCategory(graph, step)],
  )
  for (const image of images) {
    const { name, height, width, channels } = image
    const pixels = graph.input({ name, type: 'uint8', shape: [height, width, channels] })
    const real = graph.node('Cast', [pixels], { to: dataTypes.float })
    const scaled = graph.node('Div', [real, graph.float(255)])
    features.push(graph.node('Reshape', [scaled, graph.whole([-1, imageSize(image)])]))
  }
  return features.length === 1 ? features[0] : graph.node('Concat', features, { axis: 1 })
}

/** A missing number is NaN; the mean fills it, so that it becomes 0. Doubles until the last step, as the agent computes. */
function ofNumber(graph: OnnxBuilder, { name, mean, deviation, indicator }: NumberStep): string[] {
  const value = graph.input({ name, type: 'double', shape: [1] })
  const centred = graph.node('Sub', [value, graph.double(mean)])
  const scaled = graph.node('Cast', [graph.node('Div', [centred, graph.double(deviation)])], { to: dataTypes.float })
  const missing = graph.node('IsNaN', [scaled])
  const filled = graph.node('Where', [missing, graph.float(0), scaled])
  return indicator ? [filled, graph.node('Cast', [missing], { to: dataTypes.float })] : [filled]
}

/** A missing category is the empty text, or any that the plan does not have. */
function ofCategory(graph: OnnxBuilder, { name, categories, fill }: CategoryStep): string {
  const code = graph.input({ name, type: 'string', shape: [1] })
  const coded = graph.node('OneHotEncoder', [code], { cats_strings: categories, zeros: 1 }, 'ai.onnx.ml')
  const oneHot = graph.node('Reshape', [coded, graph.whole([-1, categories.length])])
  if (fill === undefined) return oneHot
  const known = graph.node('ReduceSum', [oneHot, graph.whole([1])], { keepdims: 1 })
  const absent = graph.node('Sub', [graph.float(1), known])
  const filling = Float32Array.from(categories, (_, i) => Number(i === fill))
  const filled = graph.node('Mul', [absent, graph.floats(`${name}.fill`, [1, categories.length], filling)])
  return graph.node('Add', [oneHot, filled])
}
