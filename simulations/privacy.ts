/** `concordat epsilon` and `concordat noise`: what a training would cost in privacy, and the noise that a budget asks for. */

import { Command, InvalidArgumentError } from 'commander'
import { InputError } from '../protocol/errors.ts'
import { leastNoise } from '../protocol/privacy/accountants/calibrate.ts'
import { pldEpsilon } from '../protocol/privacy/accountants/pld.ts'
import { rdpEpsilon } from '../protocol/privacy/accountants/rdp.ts'
import type { PrivacyEvent } from '../protocol/privacy/event.ts'

interface Training {
  readonly rate: number
  readonly steps: number
  readonly delta: number
  readonly json?: true
}

const shared = (command: Command): Command =>
  command
    .option('--rate <q>', 'share of the records in a step, drawn independently (Poisson); 1 for all', share, 1)
    .option('--steps <n>', 'steps, or rounds where every record is in every round', count, 1)
    .option('--delta <d>', 'chance that the bound does not hold; below 1 / records', share, 1e-5)
    .option('--json', 'one JSON object')

export function epsilonCommand(): Command {
  return shared(
    new Command('epsilon')
      .description('The epsilon of steps with Gaussian noise, by two accountants')
      .requiredOption('--noise <z>', 'noise multiplier: deviation of the noise over the clipping norm', positive),
  ).action(({ noise, ...training }: Training & { readonly noise: number }) => {
    const figures = { rdp: finite(rdp(training)(noise)), pld: finite(pld(training)(noise)) }
    if (training.json) console.log(JSON.stringify({ epsilon: figures, noise, ...training }))
    else console.log(lines([`noise multiplier ${noise}`, ...described(training)], figures))
  })
}

export function noiseCommand(): Command {
  return shared(
    new Command('noise')
      .description('The least noise multiplier that keeps an epsilon')
      .requiredOption('--epsilon <e>', 'the largest epsilon', positive),
  ).action(({ epsilon, ...training }: Training & { readonly epsilon: number }) => {
    const least = leastNoise(epsilon, rdp(training))
    const figures = { noise: least, epsilon: { rdp: finite(rdp(training)(least)), pld: finite(pld(training)(least)) } }
    if (training.json) console.log(JSON.stringify({ ...figures, ...training }))
    else console.log(lines([`noise multiplier ${least.toFixed(4)}`, ...described(training)], figures.epsilon))
  })
}

const eventOf = (noiseMultiplier: number, { rate, steps }: Training): PrivacyEvent => ({
  type: 'gaussian',
  noiseMultiplier,
  sampling: rate === 1 ? { type: 'all' } : { type: 'poisson', rate },
  count: steps,
})

const rdp =
  (training: Training) =>
  (noise: number): number =>
    rdpEpsilon([eventOf(noise, training)], training.delta)

const pld =
  (training: Training) =>
  (noise: number): number =>
    pldEpsilon([eventOf(noise, training)], training.delta) ?? Number.POSITIVE_INFINITY

function finite(epsilon: number): number {
  if (Number.isFinite(epsilon)) return epsilon
  throw new InputError('ERR_EPSILON', 'so little noise keeps no epsilon at this delta: expected more noise', '--noise')
}

const described = ({ rate, steps, delta }: Training): string[] => [
  rate === 1 ? 'all records in every step' : `each record in a step with probability ${rate}`,
  `${steps} step${steps === 1 ? '' : 's'}, delta ${delta}`,
]

const lines = (given: readonly string[], { rdp: renyi, pld: tight }: { readonly rdp: number; readonly pld: number }) =>
  [
    given.join('; '),
    `  epsilon ${tight.toFixed(4)}  by privacy loss distribution (tight)`,
    `  epsilon ${renyi.toFixed(4)}  by Rényi divergence`,
    'one record added or removed',
  ].join('\n')

function positive(text: string): number {
  const value = Number(text)
  if (value > 0 && value <= 1e6) return value
  throw new InvalidArgumentError('expected a number above 0, at most 1000000')
}

function share(text: string): number {
  const value = Number(text)
  if (value > 0 && value <= 1) return value
  throw new InvalidArgumentError('expected a number above 0, at most 1')
}

function count(text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1 && value <= 1e8) return value
  throw new InvalidArgumentError('expected a whole number from 1 to 100000000')
}
