/** DP-SGD where a person has several rows: people are drawn and clipped, not rows. Abadi et al. 2016, algorithm 1. */

import { secretNormals } from '../../protocol/privacy/secret-normals.ts'
import type { Random } from '../../protocol/random.ts'
import type { Stream } from '../../protocol/stream.ts'
import { clippedGradientSum, type GradientTask } from './gradients.ts'
import { draw, type People } from './people.ts'

export interface PatientSteps {
  readonly steps: number
  readonly rate: number
  readonly noiseMultiplier: number
  readonly learningRate: number
  /** What the sum of a step is divided by, apart from the rate: a public number. */
  readonly expected: number
  readonly random: Random
}

/** The parameters after the steps. */
export async function patientSteps(
  task: GradientTask,
  people: People,
  { steps, rate, noiseMultiplier, learningRate, expected, random }: PatientSteps,
  stream: Stream,
): Promise<Float32Array> {
  const normal = secretNormals(random)
  let { parameters } = task
  for (let step = 0; step < steps; step++) {
    const sum = await clippedGradientSum({ ...task, parameters }, draw(people, rate, random), stream)
    const factor = learningRate / (rate * expected)
    const deviation = noiseMultiplier * task.clip
    parameters = parameters.map((value, i) => value - factor * (sum[i] + deviation * normal()))
  }
  return parameters
}
