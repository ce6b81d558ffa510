import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { studyReport } from '../../simulations/report/study-report.ts'
import { cellsOf, changed, parseChange, type StudyFile } from '../../simulations/study/cells.ts'
import { type CellResult, noResults, openResults } from '../../simulations/study/results.ts'
import { type Progress, readStudy, runStudy } from '../../simulations/study/study.ts'
import { csvOf, jsonOf } from '../../simulations/study/text.ts'

const schools: StudyFile = parse(await readFile('simulations/experiments/student-outcomes.yaml', 'utf8'))
const { variants: _, ...simulation } = Object(schools.simulation)
const plain = (change: object = {}, lab: object = {}): StudyFile => ({
  ...schools,
  ...{ rounds: 3, model: { name: 'logistic' }, algorithm: { name: 'fed-avg', batchSize: 16, learningRate: 0.05 } },
  ...change,
  simulation: { ...simulation, records: 600, seeds: [1], compare: { alone: 1 }, ...lab },
})
const run = (file: StudyFile, change: Partial<Parameters<typeof runStudy>[1]> = {}) =>
  runStudy(file, { data: undefined, workers: 0, results: noResults, tell: () => {}, ...change })
const bare = ({ wall: __, defence, ...result }: CellResult) => ({
  ...result,
  defence: defence && { ...defence, seconds: 0 },
})

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'concordat-study-'))
})
afterAll(() => rm(folder, { recursive: true }))

describe('a study that does not hold is refused before its first round, with the path and a suggestion', () => {
  const sites = (n: number) => ({ population: { sites: n, split: { name: 'iid' } } })
  test.each<[string, StudyFile, RegExp]>([
    [
      'a split nobody knows',
      plain({}, { population: { sites: 5, split: { name: 'dirichelet' } } }),
      /population\.split\.name: .*did you mean "dirichlet"/,
    ],
    [
      'an option of a split',
      plain({}, { population: { sites: 5, split: { name: 'dirichlet', alfa: 1 } } }),
      /population\.split: unknown key "alfa"/,
    ],
    ['a fault', plain({}, { faults: [{ name: 'dropout' }] }), /simulation\.faults\.0\.name: .*did you mean "drop-out"/],
    ['an attack', plain({}, { attack: { name: 'signflip' } }), /simulation\.attack\.name: .*did you mean "sign-flip"/],
    ['a defence', plain({}, { defence: { name: 'krumm' } }), /simulation\.defence\.name: .*did you mean "krum"/],
    ['a data set', plain({}, { dataset: 'student-outcome' }), /simulation\.dataset/],
    ['an unknown key', plain({}, { fault: [] }), /simulation: unknown key "fault"/],
    ['more sampled than there are', plain({ sampling: { sites: 11 } }), /sampling\.sites: 11 of 10 sites/],
    [
      'more groups than sites',
      plain({}, { defence: { name: 'median', on: 'groups', groups: 40 } }),
      /simulation\.defence\.groups/,
    ],
    ['more sites than rows', plain({}, sites(5000)), /simulation\.population\.sites: .*fewer sites, or more rows/],
    [
      'more at work than there are',
      plain({}, { asynchronous: { concurrency: 50, buffer: 2 } }),
      /asynchronous\.concurrency/,
    ],
    ['records of no data set', plain({}, { dataset: undefined }), /simulation\.records/],
    [
      'an attack on statistics',
      plain({ algorithm: { name: 'statistics' }, model: undefined }, { attack: { name: 'scaling' } }),
      /algorithm\.name/,
    ],
    ['a backdoor without a column', plain({}, { attack: { name: 'backdoor' } }), /simulation\.attack\.columns/],
    ['a swept path through a number', plain({}, { sweep: { 'rounds.deep': [1] } }), /"rounds\.deep" leads through/],
    [
      'a swept value out of range',
      plain({}, { sweep: { 'algorithm.learningRate': [0.1, -1] } }),
      /learningRate -1.*algorithm\.learningRate/,
    ],
  ])('%s', async (_, file, message) => {
    let rounds = 0
    const tell = ({ type }: Progress): void => {
      if (type === 'event') rounds++
    }
    await expect(run(file, { tell })).rejects.toMatchObject({
      name: 'InputError',
      message: expect.stringMatching(message),
    })
    expect(rounds).toBe(0)
  })

  test('a study that no machine has the memory for', async () => {
    const huge = plain({ algorithm: { name: 'scaffold' }, model: { name: 'mlp', hidden: [16_000, 16_000] } })
    await expect(run(huge)).rejects.toMatchObject({
      code: 'ERR_STUDY_MEMORY',
      message: expect.stringMatching(/10 sites keep for themselves .* GiB/),
    })
  })

  test('a file that is not there or is no YAML', async () => {
    await expect(readStudy(join(folder, 'none.yaml'), [])).rejects.toMatchObject({ code: 'ERR_PLAN_FILE' })
    await writeFile(join(folder, 'broken.yaml'), 'a: [')
    await expect(readStudy(join(folder, 'broken.yaml'), [])).rejects.toMatchObject({ code: 'ERR_PLAN_SYNTAX' })
  })
})

test('values are changed by their path, in lists too', () => {
  const file = { rounds: 1, simulation: { faults: [{ name: 'drop-out', rate: 0.1 }] } }
  expect(changed(file, parseChange('rounds=5'))).toMatchObject({ rounds: 5 })
  const faulty = changed(file, parseChange('simulation.faults.0.rate=0.5'))
  expect(faulty).toMatchObject({ simulation: { faults: [{ name: 'drop-out', rate: 0.5 }] } })
  expect(parseChange('model.name=mlp').value).toBe('mlp')
  expect(() => parseChange('round=5')).toThrow(/did you mean "rounds"/)
  expect(() => parseChange('rounds')).toThrow(/path=value/)
})

test('variants and swept values are a grid', () => {
  const cells = cellsOf(
    plain(
      {},
      { variants: { a: {}, b: { rounds: 9 } }, sweep: { 'algorithm.batchSize': [8, 16], 'evaluation.holdout': [0.1] } },
    ),
  )
  expect(cells.map(({ label }) => label)).toEqual([
    'a, batchSize 8, holdout 0.1',
    'a, batchSize 16, holdout 0.1',
    'b, batchSize 8, holdout 0.1',
    'b, batchSize 16, holdout 0.1',
  ])
  expect(cells.map(({ plan }) => [plan.rounds, plan.algorithm.batchSize])).toEqual([
    [3, 8],
    [3, 16],
    [9, 8],
    [9, 16],
  ])
})

const everything = plain(
  {
    sampling: { sites: 9 },
    algorithm: { name: 'fed-avg', batchSize: 16, compression: { keep: 0.5 } },
    encoding: { bits: 20 },
  },
  {
    population: {
      sites: 12,
      split: { name: 'dirichlet', alpha: 0.5 },
      shifts: [{ name: 'feature-shift', deviation: 0.02 }],
    },
    faults: [{ name: 'drop-out', rate: 0.05 }, { name: 'stragglers' }, { name: 'corrupted', rate: 0.2 }],
    clock: { deadline: 30 },
    attack: { name: 'backdoor', columns: ['travel_minutes'], cheats: 0.25 },
    defence: { name: 'trimmed-mean', on: 'groups', groups: 4 },
    scores: { permutations: 3 },
  },
)

test('split, faults, attackers, a defence, scores and compression together: the same whatever the number of threads', async () => {
  const [here] = await run(everything)
  const [threads] = await run(everything, { workers: 3 })
  expect(bare(threads)).toEqual(bare(here))
  expect(here.attack).toMatchObject({ cheats: 3, success: expect.any(Number) })
  expect(here.scores?.length).toBe(12)
  expect(here.defence).toMatchObject({ on: 'groups', groups: 4 })
  expect(here.cost.seconds).toBeGreaterThan(0)
})

test('sites that do not wait run on the virtual clock, and take less of it than sites that do', async () => {
  const slow = { faults: [{ name: 'stragglers', between: 1.5 }], clock: { rowsPerSecond: 20 } }
  const buffered = plain(
    { algorithm: { name: 'fed-buff' }, rounds: 6 },
    { ...slow, asynchronous: { concurrency: 8, buffer: 3 } },
  )
  const [[waits], [goesOn]] = [await run(plain({ rounds: 6 }, slow)), await run(buffered)]
  expect(goesOn.rounds.filter(({ purpose }) => purpose.startsWith('training')).every(({ sites }) => sites === 3)).toBe(
    true,
  )
  expect(goesOn.cost.seconds).toBeLessThan(waits.cost.seconds)
})

test('a study that was interrupted goes on where it was, and a changed cell is run anew', async () => {
  const results = await openResults(join(folder, 'results'), { fresh: false })
  const known: boolean[] = []
  const tell = (progress: Progress): void => {
    if (progress.type === 'cell') known.push(progress.known)
  }
  const first = await run(plain({}, { seeds: [1] }), { results, tell })
  const second = await run(plain({}, { seeds: [1, 2] }), { results, tell })
  await run(plain({ rounds: 4 }, { seeds: [1] }), { results, tell })
  expect(known).toEqual([false, true, false, false])
  expect(second[0]).toEqual(first[0])
  const files = await readdir(join(folder, 'results'))
  expect(files.length).toBe(3)
  for (const file of files) await writeFile(join(folder, 'results', file), '{"cut off')
  await run(plain({}, { seeds: [1] }), { results, tell })
  expect(known.at(-1)).toBe(false)
})

describe('what is written of a study', () => {
  const study = run(plain({}, { seeds: [1, 2], variants: { '<b>one</b>': {}, two: { rounds: 2 } } }))

  test('the page runs nothing, asks for nothing, and shows names as text', async () => {
    const page = studyReport({
      name: 'n',
      description: '<i>',
      results: await study,
      command: 'npx concordat simulate <x>',
    })
    expect(page).not.toMatch(/<script|<link|<iframe|@import|url\(|src=["']?http/i)
    expect(page).not.toContain('<b>one')
    expect(page).toContain('&lt;b&gt;one&lt;/b&gt;')
    expect(page.match(/<svg/g)?.length).toBeGreaterThanOrEqual(3)
    for (const { modelHash, plan } of await study) {
      expect(page).toContain(modelHash)
      expect(page).toContain(plan)
    }
  })

  test('the table has a line for every figure, and the JSON a cell for every variant', async () => {
    const lines = csvOf(await study)
      .trimEnd()
      .split('\n')
    expect(lines[0]).toBe('cell,seed,of,figure,value')
    expect(lines.filter((line) => /^two,2,federated,AUC,0\.\d+$/.test(line)).length).toBe(1)
    const { cells } = Object(jsonOf('n', await study))
    expect(cells.map(({ label, seeds }: { label: string; seeds: number[] }) => [label, seeds])).toEqual([
      ['<b>one</b>', [1, 2]],
      ['two', [1, 2]],
    ])
  })
})

test('every ready-made study is a study', async () => {
  const files = (await readdir('simulations/experiments')).filter((file) => file.endsWith('.yaml'))
  expect(files.length).toBeGreaterThanOrEqual(9)
  for (const file of files) {
    expect(cellsOf(await readStudy(join('simulations/experiments', file), [])).length).toBeGreaterThan(0)
  }
})
