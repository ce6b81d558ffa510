/**
 * Membership inference: was a record among those that trained the model? Models are trained on random halves of the
 * site's records; for each record the attacker knows how sure models with and without it are of its label, and weighs
 * the two. Carlini et al. 2022, "Membership Inference Attacks From First Principles" (LiRA, online, few shadows).
 */

import { Stream } from '../../protocol/stream.ts'
import type { Site } from '../algorithms/site.ts'
import { prepare } from '../data/preprocess.ts'
import { selectRows } from '../data/table.ts'
import type { Examples, Trainer } from '../engine/trainer.ts'
import { auc } from '../metrics/auc.ts'
import { countScores } from '../metrics/score-counts.ts'
import { modelOf, type Stage, trainedAlone } from './rehearsal.ts'

export interface Membership {
  readonly models: number
  readonly records: number
  /** Chance that a member scores above one that is none; guessing gives 0.5. */
  readonly auc: number
  /** Members that are named where one of a hundred others is named too; guessing gives 0.01. */
  readonly foundAtOnePercent: number
}

export interface MembershipOptions {
  readonly models: number
  readonly rounds: number
  /** Called after each model. */
  readonly trained: (model: number) => void
}

/** One model: who was in it, and how sure it is of every record's label. */
interface Shadow {
  readonly member: Uint8Array
  readonly sureness: Float64Array
}

export async function inferMembers(stage: Stage, site: Site, options: MembershipOptions): Promise<Membership> {
  const shadows: Shadow[] = []
  const rows = site.table.rows
  for (let model = 0; model < options.models; model++) {
    // Complementary halves, so that every record is in as many models as it is out of.
    const order = new Stream(`${stage.plan.seed}/self-test/${model >> 1}`).permutation(rows)
    const half = model % 2 === 0 ? order.subarray(0, rows >> 1) : order.subarray(rows >> 1)
    shadows.push(await shadow(stage, site, { half: half.slice().sort(), rounds: options.rounds }))
    options.trained(model + 1)
  }
  const scores: number[] = []
  const labels: number[] = []
  for (const [i, target] of shadows.entries()) {
    // Without its other half too: else a record would be in fewer of them for having been in this one, and show by that.
    const others = shadows.filter((_, j) => j >> 1 !== i >> 1)
    for (let row = 0; row < rows; row++) {
      scores.push(likelihoodRatio(target.sureness[row], row, others))
      labels.push(target.member[row])
    }
  }
  return {
    models: options.models,
    records: rows,
    auc: auc(countScores(Float32Array.from(scores), Float32Array.from(labels))),
    foundAtOnePercent: foundAt(0.01, scores, labels),
  }
}

async function shadow(
  stage: Stage,
  site: Site,
  { half, rounds }: { readonly half: Uint32Array; readonly rounds: number },
): Promise<Shadow> {
  const { file, parameters } = modelOf(
    stage,
    await trainedAlone(stage, { ...site, table: selectRows(site.table, half) }, rounds),
  )
  const trainer = await site.trainer(file.model)
  try {
    const member = new Uint8Array(site.table.rows)
    for (const row of half) member[row] = 1
    return { member, sureness: await surenessOf(trainer, parameters, prepare(site.table, file.preprocessing)) }
  } finally {
    trainer.dispose()
  }
}

/** How sure a model is of each label, on a scale without ends: log-odds, or the squared error of a number, below zero. */
async function surenessOf(trainer: Trainer, parameters: Float32Array, { x, y, rows }: Examples): Promise<Float64Array> {
  const outputs = await trainer.predict(parameters, x, rows)
  const width = outputs.length / rows
  return Float64Array.from({ length: rows }, (_, row) => {
    if (width > 1) return logOdds(outputs[row * width + y[row]])
    const isClass = y[row] === 0 || y[row] === 1
    return isClass ? logOdds(y[row] === 1 ? outputs[row] : 1 - outputs[row]) : -((outputs[row] - y[row]) ** 2)
  })
}

const logOdds = (probability: number): number => {
  const p = Math.min(1 - 1e-6, Math.max(1e-6, probability))
  return Math.log(p / (1 - p))
}

/** Of having been in against out, both taken as normal. */
function likelihoodRatio(value: number, row: number, others: readonly Shadow[]): number {
  const of = (member: number): number[] =>
    others.filter((other) => other.member[row] === member).map((other) => other.sureness[row])
  return logDensity(value, of(1)) - logDensity(value, of(0))
}

function logDensity(value: number, sample: readonly number[]): number {
  const mean = sample.reduce((sum, each) => sum + each, 0) / sample.length
  const variance = sample.reduce((sum, each) => sum + (each - mean) ** 2, 0) / sample.length + 1e-4
  return -((value - mean) ** 2) / (2 * variance) - Math.log(variance) / 2
}

/** Share of members above the score that only a share `rate` of the others exceeds. */
function foundAt(rate: number, scores: readonly number[], labels: readonly number[]): number {
  const of = (label: number): number[] => scores.filter((_, i) => labels[i] === label)
  const others = of(0).sort((a, b) => b - a)
  const limit = others[Math.floor(rate * others.length)]
  const members = of(1)
  return members.filter((score) => score > limit).length / members.length
}
