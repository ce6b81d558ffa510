/** Layers over sequences in TensorFlow.js operations: recurrent cells and the Transformer's block. */

import * as tf from '@tensorflow/tfjs'
import { unreachable } from '../../../protocol/errors.ts'
import type { RecurrentLayer, SequenceLayer, TransformerLayer } from '../../models/description.ts'
import { normalise } from './normalise.ts'

/** `x` is [rows, steps, channels]. */
export function applySequence(layer: SequenceLayer, tensors: readonly tf.Tensor[], x: tf.Tensor): tf.Tensor {
  switch (layer.type) {
    case 'rnn':
    case 'gru':
    case 'lstm':
      return recurrent(layer, tensors, x)
    case 'places': {
      const [projection, places] = tensors
      return project(x, projection).add(places)
    }
    case 'transformer':
      return transformer(layer, tensors, x)
    case 'meanSteps':
      return x.mean(1)
    default:
      return unreachable(layer)
  }
}

interface State {
  readonly output: tf.Tensor2D
  /** Of the LSTM alone. */
  readonly memory: tf.Tensor2D
}

function recurrent(
  { type, units, sequences }: RecurrentLayer,
  [kernel, stateKernel, bias]: readonly tf.Tensor[],
  x: tf.Tensor,
): tf.Tensor {
  const steps = project(x, kernel).add(bias).unstack(1)
  const weights = stateKernel.as2D(units, stateKernel.size / units)
  const zero = tf.zeros<tf.Rank.R2>([x.shape[0], units])
  let state: State = { output: zero, memory: zero }
  const outputs = steps.map((step) => {
    state = cells[type](step.as2D(x.shape[0], weights.shape[1]), state, weights)
    return state.output
  })
  return sequences ? tf.stack(outputs, 1) : state.output
}

type Cell = (input: tf.Tensor2D, state: State, weights: tf.Tensor2D) => State

const cells: Readonly<Record<RecurrentLayer['type'], Cell>> = {
  rnn: (input, { output, memory }, weights) => ({
    output: input.add<tf.Tensor2D>(output.matMul(weights)).tanh(),
    memory,
  }),

  /** Update gate, reset gate, candidate: h = z h + (1 - z) tanh(x + (r h) U). */
  gru: (input, { output, memory }, weights) => {
    const units = output.shape[1]
    const [zx, rx, hx] = tf.split(input, 3, 1)
    const gateWeights = weights.slice([0, 0], [units, 2 * units])
    const [zh, rh] = tf.split(output.matMul<tf.Tensor2D>(gateWeights), 2, 1)
    const update = zx.add<tf.Tensor2D>(zh).sigmoid()
    const reset = rx.add<tf.Tensor2D>(rh).sigmoid()
    const candidate = hx
      .add<tf.Tensor2D>(reset.mul<tf.Tensor2D>(output).matMul(weights.slice([0, 2 * units], [units, units])))
      .tanh()
    return { output: update.mul<tf.Tensor2D>(output.sub(candidate)).add(candidate), memory }
  },

  /** Input gate, forget gate, candidate, output gate: c = f c + i g; h = o tanh(c). */
  lstm: (input, { output, memory }, weights) => {
    const [i, f, g, o] = tf.split(input.add<tf.Tensor2D>(output.matMul(weights)), 4, 1)
    const kept = f.sigmoid().mul<tf.Tensor2D>(memory)
    const next = kept.add<tf.Tensor2D>(i.sigmoid().mul(g.tanh()))
    return { output: o.sigmoid().mul<tf.Tensor2D>(next.tanh()), memory: next }
  },
}

function transformer({ heads }: TransformerLayer, tensors: readonly tf.Tensor[], x: tf.Tensor): tf.Tensor {
  const [scale1, shift1, projections, projectionsBias, mix, mixBias, ...dense] = tensors
  const [scale2, shift2, up, upBias, down, downBias] = dense
  const normal = normalise(x, [scale1, shift1], 'position', 1)
  const attended = attention(project(normal, projections).add(projectionsBias), heads)
  const between = x.add(project(attended, mix).add(mixBias))
  const above = normalise(between, [scale2, shift2], 'position', 1)
  return between.add(project(project(above, up).add(upBias).relu(), down).add(downBias))
}

/** softmax(Q K^T / sqrt(d)) V in every head; `projected` holds queries, keys and values side by side. */
function attention(projected: tf.Tensor, heads: number): tf.Tensor {
  const [rows, steps, wide] = projected.shape
  const width = wide / 3
  const [queries, keys, values] = tf
    .split(projected, 3, 2)
    .map((part) => part.reshape([rows, steps, heads, width / heads]).transpose([0, 2, 1, 3]))
  const scores = tf.matMul(queries, keys, false, true).mul(Math.sqrt(heads / width))
  return tf.matMul(scores.softmax(), values).transpose([0, 2, 1, 3]).reshape([rows, steps, width])
}

/** Every step of [rows, steps, channels] times a matrix. */
function project(x: tf.Tensor, matrix: tf.Tensor): tf.Tensor {
  const [rows, steps, channels] = x.shape
  return tf.matMul(x.reshape([rows * steps, channels]), matrix).reshape([rows, steps, -1])
}
