import { describe, expect, test } from 'vitest'
import { effectiveSteps } from '../../../learning/algorithms/fed-nova.ts'
import { algorithms } from '../../../learning/algorithms/index.ts'
import { parametersOf, parseModel } from '../../../learning/algorithms/model-file.ts'
import type { Site } from '../../../learning/algorithms/site.ts'
import { computationOf } from '../../../learning/computation.ts'
import type { Lanes } from '../../../protocol/algorithm.ts'
import { federate, sumLanes } from '../../support/federation.ts'
import { parabolic } from '../../support/quadratic.ts'
import { planOf } from './plans.ts'

const alike = { rows: 10, curvature: 1 }
/** Two sites that count alike and pull apart: with several local steps averaging is led astray. */
const apart = (): Site[] => [
  parabolic({ name: 'flat', rows: 10, curvature: 0.2, centre: 0 }),
  parabolic({ name: 'steep', rows: 10, curvature: 2, centre: 1 }),
]
/** Where the sum of both parabolas is lowest. */
const lowest = 2 / 2.2

const none = { evaluation: { holdout: 0 } }
const create = (algorithm: Record<string, unknown>, rounds: number) =>
  algorithms[String(algorithm.name)].create(
    planOf({ clip: 1000, ...batches(algorithm), ...algorithm }, { ...none, rounds }),
  )

/** A step takes ten rows, where a method has steps of some rows. */
const batches = ({ name }: Record<string, unknown>) => (name === 'fed-sgd' ? {} : { batchSize: 10 })

/** The bias at the end of a run; it starts from 0. */
async function ends(algorithm: Record<string, unknown>, sites: readonly Site[], rounds: number): Promise<number> {
  const run = create(algorithm, rounds)
  const parameters = parametersOf(parseModel(run.result(await federate(run, sites))))
  return parameters[parameters.length - 1]
}

/** The lanes of both sites and the state after the first training round, which starts from a bias of 0. */
async function firstRound(algorithm: Record<string, unknown>, sites: readonly Site[]) {
  const run = create(algorithm, 5)
  let state = run.init()
  let lanes: Lanes[] = []
  for (const round of [0, 1]) {
    const request = run.request(state)
    if (request === undefined) throw new Error('a round was expected')
    lanes = []
    for (const site of sites) lanes.push(await run.contribute(state, request, site, round))
    state = run.apply(state, request, sumLanes(request, lanes), sites.length)
  }
  const bias = (values: ArrayLike<number>): number => values[values.length - 1]
  return {
    updates: lanes.map(({ update }) => bias(update)),
    lanes,
    moved: bias(parametersOf(parseModel(run.result(state)))),
  }
}

const fiveSteps = { localEpochs: 5, learningRate: 0.3 }

describe('FedAvg', () => {
  test('is led astray by sites that differ when they take several steps', async () => {
    expect(Math.abs((await ends({ name: 'fed-avg', ...fiveSteps }, apart(), 200)) - lowest)).toBeGreaterThan(0.1)
  })
})

describe('FedSGD', () => {
  test('moves by the mean gradient: two parabolas give the steps of their sum', async () => {
    const { updates, moved } = await firstRound({ name: 'fed-sgd', learningRate: 0.5 }, apart())
    expect(updates).toEqual([0, 0.5])
    expect(moved).toBeCloseTo(0.5, 6)
    expect(await ends({ name: 'fed-sgd', learningRate: 0.5 }, apart(), 200)).toBeCloseTo(lowest, 5)
  })
})

describe('FedProx', () => {
  const proximal = { name: 'fed-prox', localEpochs: 2, learningRate: 0.1, proximal: 1 }

  test('pulls each step towards where the round began', async () => {
    // Step 1 from 0: 0.1 * 2 * 1 = 0.2; step 2: 0.2 + 0.1 * (2 * 0.8 - 1 * 0.2) = 0.34.
    expect((await firstRound(proximal, apart())).updates[1]).toBeCloseTo(0.34 / 2, 6)
  })

  test('keeps sites that differ closer to the optimum of all than FedAvg does', async () => {
    const error = async (algorithm: Record<string, unknown>): Promise<number> =>
      Math.abs((await ends(algorithm, apart(), 400)) - lowest)
    const prox = await error({ name: 'fed-prox', ...fiveSteps, proximal: 2 })
    expect(prox).toBeLessThan(0.6 * (await error({ name: 'fed-avg', ...fiveSteps })))
  })

  test('sites without time do fewer passes, never none', async () => {
    const steps = async (partialWork: number): Promise<number[]> => {
      const sites = Array.from({ length: 20 }, (_, i) => parabolic({ name: `s${i}`, ...alike, centre: 1 }))
      // With a small rate the update counts the steps.
      const settings = { name: 'fed-prox', localEpochs: 4, learningRate: 1e-3, proximal: 1e-6, partialWork }
      return (await firstRound(settings, sites)).updates.map((update) => Math.round(20 * update * 1e3))
    }
    expect(new Set(await steps(0))).toEqual(new Set([4]))
    const partial = await steps(1)
    expect(Math.min(...partial)).toBe(1)
    expect(Math.max(...partial)).toBe(3)
  })
})

describe('SCAFFOLD', () => {
  const settings = { name: 'scaffold', localEpochs: 2, learningRate: 0.1 }

  test('its first control is the mean gradient of the walk, and the common one the sum of the sites', async () => {
    // The steep site walks 0 -> 0.2 -> 0.36: c_i = (0 - 0.36) / (2 * 0.1) = -1.8, with half of the rows.
    const { lanes, updates } = await firstRound(settings, apart())
    expect(updates[1]).toBeCloseTo(0.18, 6)
    expect(lanes[1].control[lanes[1].control.length - 1]).toBeCloseTo(-0.9, 5)
    expect(lanes[0].control[lanes[0].control.length - 1]).toBeCloseTo(0, 6)
  })

  test('reaches the optimum of all sites with the steps that lead FedAvg astray', async () => {
    expect(await ends({ name: 'scaffold', ...fiveSteps }, apart(), 200)).toBeCloseTo(lowest, 4)
  })
})

describe('FedDyn', () => {
  test('its first round is a proximal one, moved on by what h gathered', async () => {
    // As for FedProx the steep site walks to 0.34; h = -1 * (0 + 0.34) / 2, so the mean 0.17 is moved on by 0.17.
    const { updates, moved } = await firstRound(
      { name: 'fed-dyn', localEpochs: 2, learningRate: 0.1, alpha: 1 },
      apart(),
    )
    expect(updates[1]).toBeCloseTo(0.17, 6)
    expect(moved).toBeCloseTo(0.34, 5)
  })

  test('reaches the optimum of all sites with the steps that lead FedAvg astray', async () => {
    expect(await ends({ name: 'fed-dyn', ...fiveSteps, alpha: 1 }, apart(), 300)).toBeCloseTo(lowest, 3)
  })
})

describe('FedNova', () => {
  const sites = (): Site[] => [
    parabolic({ name: 'many', ...alike, rows: 60, centre: 0 }),
    parabolic({ name: 'few', ...alike, rows: 30, centre: 1 }),
  ]
  const settings = { localEpochs: 10, learningRate: 0.01 }

  test('counts effective steps: plain, with momentum, with a proximal pull', () => {
    const plain = { optimiser: 'sgd', proximal: 0, learningRate: 0.1, mostSteps: 100 } as const
    expect(effectiveSteps(7, plain)).toBe(7)
    // 1 + 1.9 + 2.71
    expect(effectiveSteps(3, { ...plain, optimiser: 'momentum' })).toBeCloseTo(5.61, 10)
    // 1 + 0.9 + 0.81
    expect(effectiveSteps(3, { ...plain, proximal: 1 })).toBeCloseTo(2.71, 10)
    expect(effectiveSteps(1000, plain)).toBe(100)
  })

  test('divides an update by its steps and multiplies the mean by the mean number of steps', async () => {
    const { lanes, moved } = await firstRound({ name: 'fed-nova', localEpochs: 1, learningRate: 0.1 }, sites())
    // 6 and 3 steps with weights 2/3 and 1/3: tau = 5; the second site moves by 1 - 0.9^3.
    expect(lanes.map(({ steps }) => steps[0])).toEqual([expect.closeTo(4, 10), expect.closeTo(1, 10)])
    expect(moved).toBeCloseTo((5 * ((1 - 0.9 ** 3) / 3)) / 3, 6)
  })

  test('finds the optimum of all sites where FedAvg follows the site with more steps', async () => {
    const optimum = 1 / 3
    const nova = Math.abs((await ends({ name: 'fed-nova', ...settings }, sites(), 60)) - optimum)
    const avg = Math.abs((await ends({ name: 'fed-avg', ...settings }, sites(), 60)) - optimum)
    expect(avg).toBeGreaterThan(0.1)
    expect(nova).toBeLessThan(avg / 3)
  })
})

describe('server optimisers', () => {
  const sites = (): Site[] => [
    parabolic({ name: 'a', ...alike, centre: 1 }),
    parabolic({ name: 'b', ...alike, centre: 1 }),
  ]

  test('FedAvgM gathers a velocity: 0.1, then 0.9 * 0.1 + 0.1 * 0.9', async () => {
    const settings = { name: 'fed-avg-m', learningRate: 0.1 }
    expect(await ends(settings, sites(), 1)).toBeCloseTo(0.1, 6)
    expect(await ends(settings, sites(), 2)).toBeCloseTo(0.1 + 0.09 + 0.09, 6)
  })

  const [tau, update] = [0.01, 0.1]
  test.each([
    ['adagrad', tau ** 2 + update ** 2],
    ['adam', 0.99 * tau ** 2 + 0.01 * update ** 2],
    ['yogi', tau ** 2 + 0.01 * update ** 2],
  ])('the first step of %s is eta m / (sqrt v + tau)', async (server, v) => {
    const settings = { name: 'fed-opt', server, learningRate: 0.1, serverLearningRate: 0.05, tau }
    expect(await ends(settings, sites(), 1)).toBeCloseTo((0.05 * 0.1 * update) / (Math.sqrt(v) + tau), 5)
  })

  test('where the updates are tiny they arrive long before FedAvg does', async () => {
    const tiny = { learningRate: 1e-3 }
    expect(await ends({ name: 'fed-avg', ...tiny }, sites(), 60)).toBeLessThan(0.1)
    for (const server of ['adagrad', 'adam', 'yogi']) {
      const reached = await ends({ name: 'fed-opt', server, tau: 1e-4, serverLearningRate: 0.1, ...tiny }, sites(), 60)
      expect(Math.abs(reached - 1)).toBeLessThan(0.3)
    }
  })
})

describe('Ditto', () => {
  test('a site ends between its own optimum and the global model, as lambda says', async () => {
    const sites = apart()
    const settings = { name: 'ditto', learningRate: 0.3, personalEpochs: 5, lambda: 2 }
    const global = await ends(settings, sites, 200)
    // The minimum of curvature / 2 (v - centre)^2 + lambda / 2 (v - w)^2.
    for (const [site, curvature, centre] of [
      [sites[0], 0.2, 0],
      [sites[1], 2, 1],
    ] as const) {
      const own = site.memory?.recall('own', 1000)
      expect(own?.at(-1)).toBeCloseTo((curvature * centre + 2 * global) / (curvature + 2), 2)
    }
  })
})

describe('FedBuff', () => {
  test('an update that missed three steps counts half', async () => {
    const [fresh, stale] = [
      parabolic({ name: 'a', ...alike, centre: 1 }),
      parabolic({ name: 'a', ...alike, centre: 1 }),
    ]
    const { lanes } = await firstRound({ name: 'fed-buff', learningRate: 0.1 }, [fresh, { ...stale, staleness: 3 }])
    expect(lanes.map(({ weight }) => weight[0])).toEqual([0.5, 0.25])
    expect(lanes[1].update[0]).toBeCloseTo(lanes[0].update[0] / 2, 12)
  })
})

describe('cyclic weight transfer', () => {
  test('is refused where a coordinator would see one site at a time', () => {
    const plan = planOf({ name: 'cyclic' })
    expect(() => computationOf(plan, 5)).toThrow(expect.objectContaining({ code: 'ERR_PLAN', where: 'algorithm.name' }))
    expect(() => computationOf(plan, 5, { simulated: true })).not.toThrow()
  })

  test('a turn is plain training from where the site before left off', async () => {
    const run = create({ name: 'cyclic', learningRate: 0.5 }, 4)
    const sites = apart()
    let state = run.init()
    for (let round = 0; round <= 4; round++) {
      const request = run.request(state)
      if (request === undefined) throw new Error('a round was expected')
      const turn = round === 0 ? sites : [sites[round % 2]]
      const lanes: Lanes[] = []
      for (const site of turn) lanes.push(await run.contribute(state, request, site, round))
      state = run.apply(state, request, sumLanes(request, lanes), turn.length)
    }
    // steep: 0 -> 1; flat: 1 -> 0.9; steep: -> 1; flat: -> 0.9.
    expect(parametersOf(parseModel(run.result(state))).at(-1)).toBeCloseTo(0.9, 6)
  })
})
