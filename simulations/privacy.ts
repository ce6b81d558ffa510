/** `concordat epsilon` and `concordat noise`: what a training would cost in privacy, and the noise that a budget asks for. */

import { Command } from 'commander'
import { InputError } from '../protocol/errors.ts'
import { leastNoise } from '../protocol/privacy/accountants/calibrate.ts'
import { pldEpsilon } from '../protocol/privacy/accountants/pld.ts'
import { defaultOrders, rdpEpsilon } from '../protocol/privacy/accountants/rdp.ts'
import type { PrivacyEvent } from '../protocol/privacy/event.ts'

interface Training {
  readonly rate: number
  readonly steps: number
  readonly delta: number
  readonly people?: number
  readonly json?: true
}

const shared = (command: Command): Command =>
  command
    .option('--rate <q>', 'share of the records in a step, drawn independently (Poisson); 1 for all', rate, 1)
    .option('--steps <n>', 'steps, or rounds where every record is in every round', count('--steps'), 1)
    .option('--delta <d>', 'chance that the bound does not hold; below 1 / records', chance, 1e-5)
    .option('--people <n>', 'how many there are: a delta of 1 / n or more is refused', count('--people'))
    .option('--json', 'one JSON object')

export function epsilonCommand(): Command {
  return shared(
    new Command('epsilon')
      .description('The epsilon of steps with Gaussian noise, by two accountants')
      .requiredOption(
        '--noise <z>',
        'noise multiplier: deviation of the noise over the clipping norm',
        positive('--noise'),
      ),
  ).action(({ noise, json, ...training }: Training & { readonly noise: number }) => {
    checkDelta(training)
    const figures = { rdp: finite(rdp(training)(noise)), pld: finite(pld(training)(noise)) }
    if (json) console.log(JSON.stringify({ ...figures, orders: defaultOrders, noise, ...training }))
    else console.log(lines([`noise multiplier ${noise}`, ...described(training)], figures))
  })
}

export function noiseCommand(): Command {
  return shared(
    new Command('noise')
      .description('The least noise multiplier that keeps an epsilon')
      .requiredOption('--epsilon <e>', 'the largest epsilon', positive('--epsilon')),
  ).action(({ epsilon, json, ...training }: Training & { readonly epsilon: number }) => {
    checkDelta(training)
    const noise = leastNoise(epsilon, rdp(training))
    const figures = { rdp: finite(rdp(training)(noise)), pld: finite(pld(training)(noise)) }
    if (json) console.log(JSON.stringify({ noise, ...figures, orders: defaultOrders, epsilon, ...training }))
    else console.log(lines([`noise multiplier ${noise.toFixed(4)}`, ...described(training)], figures))
  })
}

/** With delta = 1 / n a mechanism that publishes one record in full keeps the promise. */
function checkDelta({ delta, people }: Training): void {
  if (people === undefined || delta < 1 / people) return
  throw new InputError('ERR_EPSILON', `expected less than 1 / people = ${1 / people}, found ${delta}`, '--delta')
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

type Parse = (text: string) => number

const parsed =
  (flag: string, expected: string, holds: (value: number) => boolean): Parse =>
  (text) => {
    const value = Number(text)
    if (text.trim() !== '' && holds(value)) return value
    throw new InputError('ERR_EPSILON', `expected ${expected}, found ${text}`, flag)
  }

const positive = (flag: string): Parse =>
  parsed(flag, 'a number above 0, at most 1000000', (value) => value > 0 && value <= 1e6)

const rate = parsed('--rate', 'a number above 0, at most 1', (value) => value > 0 && value <= 1)

const chance = parsed('--delta', 'a number between 0 and 1', (value) => value > 0 && value < 1)

const count = (flag: string): Parse =>
  parsed(
    flag,
    'a whole number from 1 to 1000000000000',
    (value) => Number.isInteger(value) && value >= 1 && value <= 1e12,
  )
