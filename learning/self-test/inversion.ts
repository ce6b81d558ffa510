/**
 * Gradient inversion: a record from the update it caused. Where a dense layer with biases comes first, a unit's weights
 * move by its error times the input and its bias by the error alone, so their quotient is the input itself. Phong et al.
 * 2018, "Privacy-Preserving Deep Learning via Additively Homomorphic Encryption", section 3; Geiping et al. 2020,
 * "Inverting Gradients", proposition 3.1.
 */

import { Stream } from '../../protocol/stream.ts'
import type { Site } from '../algorithms/site.ts'
import { prepare } from '../data/preprocess.ts'
import { selectRows } from '../data/table.ts'
import type { ModelDescription } from '../models/description.ts'
import { layOut, type ParameterTensor } from '../models/layout.ts'
import { isUpdate, modelOf, released, type Stage, trainedAlone } from './rehearsal.ts'

export interface Inversion {
  /** Records that were attacked, each alone in its update. */
  readonly records: number
  /** Share of them that the attacker, given all of this site's records, picks out as the one. */
  readonly identified: number
  /** The same by guessing. */
  readonly chance: number
  /** Median correlation between what was recovered and the record, over the model's inputs. */
  readonly correlation: number
}

/** @returns `undefined` where the model does not begin with a dense layer with biases, or its update does not leave whole. */
export async function invert(stage: Stage, site: Site, most: number): Promise<Inversion | undefined> {
  const { algorithm } = stage.computation
  const state = await trainedAlone(stage, site, 0)
  const request = algorithm.request(state)
  const lane = request?.lanes.find(isUpdate)
  const { file, parameters } = modelOf(stage, state)
  const first = firstDense(file.model)
  // A compressed update has other coordinates than the model.
  if (lane?.length !== parameters.length) return undefined
  if (request === undefined || first === undefined) return undefined
  const { x, rows, features } = prepare(site.table, file.preprocessing)
  const record = (row: number): Float32Array => x.subarray(row * features, (row + 1) * features)
  const chosen = new Stream(`${stage.plan.seed}/self-test`).permutation(rows).subarray(0, most)
  let identified = 0
  const correlations: number[] = []
  for (const row of chosen) {
    const alone = { ...site, table: selectRows(site.table, Uint32Array.of(row)) }
    const update = (await released(stage, alone, { state, request, round: 1 }))[lane.name]
    const guess = quotient(update, first)
    const scores = Array.from({ length: rows }, (_, i) => correlation(guess, record(i)))
    const best = Math.max(...scores)
    // Records that look alike cannot be told apart: the attacker picks one of them.
    if (scores[row] >= best - 1e-9) identified += 1 / scores.filter((score) => score >= best - 1e-9).length
    correlations.push(scores[row])
  }
  return {
    records: chosen.length,
    identified: identified / chosen.length,
    chance: 1 / rows,
    correlation: median(correlations),
  }
}

interface FirstLayer {
  readonly weights: ParameterTensor
  readonly biases: ParameterTensor
}

function firstDense(model: ModelDescription): FirstLayer | undefined {
  const [first] = layOut(model).layers
  if (first?.layer.type !== 'dense') return undefined
  const weights = first.tensors.find(({ shape }) => shape.length === 2)
  const biases = first.tensors.find(({ shape }) => shape.length === 1)
  return weights === undefined || biases === undefined ? undefined : { weights, biases }
}

/** By the unit whose bias moved most: its quotient is the least disturbed. */
function quotient(update: ArrayLike<number>, { weights, biases }: FirstLayer): Float64Array {
  const [inputs, units] = weights.shape
  let unit = 0
  for (let j = 1; j < units; j++)
    if (Math.abs(update[biases.offset + j]) > Math.abs(update[biases.offset + unit])) unit = j
  const moved = update[biases.offset + unit]
  if (moved === 0) return new Float64Array(inputs)
  return Float64Array.from({ length: inputs }, (_, i) => update[weights.offset + i * units + unit] / moved)
}

/** Pearson's; 0 where one does not vary. */
function correlation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const n = a.length
  let [sumA, sumB] = [0, 0]
  for (let i = 0; i < n; i++) {
    sumA += a[i]
    sumB += b[i]
  }
  let [ab, aa, bb] = [0, 0, 0]
  for (let i = 0; i < n; i++) {
    const [x, y] = [a[i] - sumA / n, b[i] - sumB / n]
    ab += x * y
    aa += x * x
    bb += y * y
  }
  return aa > 0 && bb > 0 ? ab / Math.sqrt(aa * bb) : 0
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2
}
