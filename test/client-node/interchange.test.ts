import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, expect, test } from 'vitest'
import { writeModel } from '../../learning/algorithms/model-file.ts'
import { planMenus } from '../../learning/computation.ts'
import { initialParameters } from '../../learning/models/initial.ts'
import { parsePlan } from '../../protocol/plan.ts'
import { Stream } from '../../protocol/stream.ts'

const folder = mkdtempSync(join(tmpdir(), 'concordat-interchange-'))
afterAll(() => rmSync(folder, { recursive: true }))

const plan = parsePlan(
  {
    ...{ concordat: 1, name: 'test', algorithm: { name: 'fed-avg' }, model: { name: 'logistic' } },
    data: {
      columns: [
        { name: 'age', type: 'number', range: [0, 120] },
        { name: 'sex', type: 'category', categories: ['f', 'm'] },
      ],
      label: { column: 'ill', type: 'binary', positive: ['1'], negative: ['0'] },
    },
  },
  planMenus,
)
const model = {
  input: [3],
  layers: [
    { type: 'dense' as const, units: 4, activation: 'relu' as const },
    { type: 'dense' as const, units: 1, activation: 'linear' as const },
  ],
  loss: 'binary-cross-entropy' as const,
}
const preprocessing = {
  columns: [
    { type: 'number' as const, name: 'age', mean: 50, deviation: 10, indicator: false },
    { type: 'category' as const, name: 'sex', categories: ['f', 'm'] },
  ],
}
const parameters = initialParameters(model, new Stream('model'))
const file = writeModel({ plan, model, preprocessing, parameters, trainingRows: 9, metrics: undefined })

const concordat = async (...given: string[]) =>
  (await promisify(execFile)(process.execPath, ['dist/concordat.js', ...given])).stdout

test('a model goes out in every format, predicts the same from there, and comes back', async () => {
  const original = join(folder, 'model.json')
  const rows = join(folder, 'rows.csv')
  writeFileSync(original, JSON.stringify(file))
  writeFileSync(rows, 'age,sex\n61,m\n,f\n40,\n')
  const expected = await concordat('predict', original, rows)
  expect(expected).toMatch(/^probability of ill\n0\.\d+\n0\.\d+\n0\.\d+\n$/)
  for (const format of ['onnx', 'tfjs', 'safetensors']) {
    const { files } = JSON.parse(await concordat('export', original, '--to', format, '--out', folder, '--json'))
    expect(await concordat('predict', files[0], rows)).toBe(expected)
    const back = join(folder, `${format}-back.json`)
    await concordat('import', files[0], '--out', back)
    expect(JSON.parse(readFileSync(back, 'utf8'))).toEqual(file)
  }
}, 60_000)

test('more rows than are in memory at once come out in order, and a fault in the last leaves no file', async () => {
  const rows = join(folder, 'many.csv')
  const out = join(folder, 'scores.csv')
  const lines = Array.from({ length: 40_000 }, (_, i) => `${i % 100},f`)
  writeFileSync(rows, ['age,sex', ...lines].join('\n'))
  await concordat('predict', join(folder, 'model.json'), rows, '--out', out)
  const scores = readFileSync(out, 'utf8').trimEnd().split('\n').slice(1)
  expect(scores).toHaveLength(40_000)
  expect(scores.every((score, i) => score === scores[i % 100])).toBe(true)
  rmSync(out)
  writeFileSync(rows, ['age,sex', ...lines, '200,f'].join('\n'))
  await expect(concordat('predict', join(folder, 'model.json'), rows, '--out', out)).rejects.toMatchObject({ code: 2 })
  expect(existsSync(out)).toBe(false)
}, 30_000)

test('a format that there is not, and a file that is none, are input errors', async () => {
  await expect(concordat('export', join(folder, 'model.json'), '--to', 'pickle')).rejects.toMatchObject({ code: 2 })
  writeFileSync(join(folder, 'broken.onnx'), 'text')
  await expect(concordat('import', join(folder, 'broken.onnx'))).rejects.toMatchObject({ code: 2 })
})
