import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { fileDesk } from '../../../client-node/desk.ts'
import { planMenus } from '../../../learning/computation.ts'
import { type Desk, type DeskItem, passDesk } from '../../../protocol/participant/approval.ts'
import { difference, describe as inPlainWords } from '../../../protocol/participant/plain-words.ts'
import type { Preview } from '../../../protocol/participant/preview.ts'
import { type Plan, parsePlan } from '../../../protocol/plan.ts'

const planOf = (changes: object): Plan =>
  parsePlan(
    {
      ...{ concordat: 1, name: 'p', algorithm: { name: 'fed-avg' }, model: { name: 'logistic' } },
      data: {
        columns: [{ name: 'age', type: 'number', range: [0, 120] }],
        label: { column: 'sick', type: 'binary', positive: ['1'], negative: ['0'] },
      },
      ...changes,
    },
    planMenus,
  )
const plan = planOf({})
const preview: Preview = {
  departures: [
    { purpose: 'training', bytes: 8, lanes: [{ name: 'update', length: 2, bound: 20, kind: 'real', l2: 20 }] },
  ],
  ...{ rounds: 1, rows: 100, parameters: 2 },
  privacy: { mechanism: 'none', unit: null, epsilon: null, delta: 1e-5 },
}
const proposed = (of: Plan): Omit<DeskItem, 'decision'> => ({ plan: of, preview, came: 1000 })
const approved = (of: Plan): DeskItem => ({
  ...proposed(of),
  decision: { verdict: 'approved', reason: 'by a person', at: 2000 },
})
const deskFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'concordat-'))
const outcome = (desk: Desk, approval: 'person' | 'repeats' | 'automatic', of: Plan): Promise<string> =>
  passDesk(desk, approval, proposed(of)).then(
    () => 'passed',
    (error: unknown) => (error instanceof Error && 'code' in error ? String(error.code) : 'thrown'),
  )

test('a new plan waits until a person has decided; the decision holds for this plan alone', async () => {
  const desk = fileDesk(await deskFolder())
  expect(await outcome(desk, 'person', plan)).toBe('ERR_APPROVAL_PENDING')
  expect(await desk.items()).toMatchObject([{ decision: undefined, came: 1000 }])
  await desk.put(approved(plan))
  expect(await outcome(desk, 'person', plan)).toBe('passed')
  expect(await outcome(desk, 'person', planOf({ seed: 2 }))).toBe('ERR_APPROVAL_PENDING')
  await desk.put({ ...approved(plan), decision: { verdict: 'refused', reason: 'no', at: 3000 } })
  expect(await outcome(desk, 'automatic', plan)).toBe('ERR_PLAN_REFUSED')
})

test('a repeat of an approved plan passes where the policy says so, and one that asks for more does not', async () => {
  const desk = fileDesk(await deskFolder())
  await desk.put(approved(plan))
  expect(await outcome(desk, 'repeats', planOf({ seed: 7, name: 'q', description: 'again' }))).toBe('passed')
  expect(await outcome(desk, 'repeats', planOf({ rounds: 2 }))).toBe('ERR_APPROVAL_PENDING')
  const wider = [...plan.data.columns, { name: 'weight', type: 'number', range: [0, 300] }]
  expect(await outcome(desk, 'repeats', planOf({ data: { ...plan.data, columns: wider } }))).toBe(
    'ERR_APPROVAL_PENDING',
  )
})

test('a plan that was edited on the desk does not pass under the hash of the approved one', async () => {
  const folder = await deskFolder()
  const desk = fileDesk(folder)
  await desk.put(approved(plan))
  const [name] = await readdir(folder)
  const path = join(folder, name)
  await writeFile(path, (await readFile(path, 'utf8')).replace('"rounds": 1,', '"rounds": 9,'))
  expect(await outcome(desk, 'person', plan)).toBe('ERR_DESK')
})

test('a person reads what leaves, what it costs, and each key that changed', () => {
  const text = inPlainWords({ ...proposed(plan), decision: undefined }).join('\n')
  expect(text).toContain('update (2 numbers); 8 bytes')
  expect(text).toContain('nothing bounds what the result tells of a person')
  const wider = [...plan.data.columns, { name: 'weight', type: 'number', range: [0, 300] }]
  const after = planOf({ rounds: 5, data: { ...plan.data, columns: wider } })
  expect(difference(plan, plan)).toEqual([])
  expect(difference(plan, after)).toContain('rounds: 1 -> 5')
  expect(difference(plan, after)).toContain('data.columns.weight.range: not there -> [0,300]')
})
