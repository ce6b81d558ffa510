/**
 * Averaging under noise: whole sites are hidden behind noise on the sum of their updates (McMahan et al. 2018, "Learning
 * Differentially Private Recurrent Language Models"), or people behind noise in every step of the sites' own training.
 */

import type { Lane, Lanes } from '../../protocol/algorithm.ts'
import { InputError } from '../../protocol/errors.ts'
import { withinNorm } from '../../protocol/privacy/clip.ts'
import type { Discipline, LocalNoise } from '../../protocol/privacy/mechanism.ts'
import type { Stream } from '../../protocol/stream.ts'
import { patientSteps } from '../privacy/patient-steps.ts'
import type { AveragingOptions } from './averaging.ts'
import type { PrivateMethod, PrivateSite } from './private-training.ts'

/** Under noise every site weighs the same: how many rows a site has is nobody's business. */
export function privateAveraging(options: AveragingOptions, discipline: Discipline): PrivateMethod {
  const { serverLearningRate = 1, clip } = options
  const { unit, population, local } = discipline
  if (options.compression !== undefined) {
    throw new InputError(
      'ERR_PLAN',
      'expected none: what is left out of an update is not noised',
      'algorithm.compression',
    )
  }
  const trained = local === undefined ? siteTraining(options) : privateSteps(options, discipline, local)
  return {
    ...(local === undefined ? {} : { noisySteps: local.epochs * Math.ceil(1 / discipline.rate) }),
    // Out of private steps an update is private already; otherwise the clipped update of a whole site is what is hidden.
    lanes: (length): Lane[] => [
      { name: 'update', length, bound: clip, kind: 'real', l2: clip, ...(local === undefined ? {} : { perRecord: 0 }) },
    ],
    async contribute(site, parameters, stream): Promise<Lanes> {
      const after = await trained(site, parameters, stream)
      return {
        update: withinNorm(
          Float64Array.from(parameters, (global, i) => after[i] - global),
          clip,
        ),
      }
    },
    step(parameters, sum, survivors) {
      const factor = serverLearningRate / (unit === 'site' ? population : survivors)
      return parameters.map((global, i) => global + factor * sum.update[i])
    },
  }
}

type LocalTraining = (site: PrivateSite, parameters: Float32Array, stream: Stream) => Promise<Float32Array>

const siteTraining =
  (options: AveragingOptions): LocalTraining =>
  async ({ trainer, training: examples }, parameters, stream) =>
    (await trainer.train(parameters, examples, { ...options, epochs: options.localEpochs }, stream)).parameters

/** DP-SGD at the site, by rows in the engine and by patients one after the other. */
function privateSteps(
  options: AveragingOptions,
  { unit, population, clip, rate, sites }: Discipline,
  local: LocalNoise,
): LocalTraining {
  if (clip === undefined) {
    throw new InputError('ERR_PLAN', "expected the largest norm of a person's gradient", 'privacy.clip')
  }
  if (options.localEpochs !== 1) {
    throw new InputError('ERR_PLAN', 'expected 1: passes of private steps are privacy.epochs', 'algorithm.localEpochs')
  }
  if (options.earlyStopping !== undefined) {
    const message =
      'expected none: when a site stops tells about its validation rows, and the noise is sized for all steps'
    throw new InputError('ERR_PLAN', message, 'algorithm.earlyStopping')
  }
  const { noiseMultiplier, epochs } = local
  // Sums are divided by what an average site has, not by what this one has.
  const expected = population / sites
  if (unit === 'patient') {
    if (options.optimiser !== 'sgd') {
      throw new InputError('ERR_PLAN', 'expected sgd where patients are hidden', 'algorithm.optimiser')
    }
    const { learningRate } = options
    const steps = { steps: epochs * Math.ceil(1 / rate), rate, noiseMultiplier, learningRate, expected }
    return ({ trainer, training: examples, people, random }, parameters, stream) =>
      patientSteps({ trainer, parameters, examples, clip, loss: options }, people, { ...steps, random }, stream)
  }
  return async ({ trainer, training: examples, random }, parameters, stream) => {
    const privacy = { clippingNorm: clip, noiseMultiplier, batchRate: rate, expectedRows: expected, random }
    return (await trainer.train(parameters, examples, { ...options, epochs, privacy }, stream)).parameters
  }
}
