import { expect, test } from 'vitest'
import type { Outcome } from '../../simulations/outcome.ts'
import { report } from '../../simulations/report/report.ts'

const estimate = (value: number) => ({ value, low: value - 0.1, high: value + 0.1 })
const figures = (value: number) => ({ auc: estimate(value), accuracy: estimate(value) })
const outcome: Outcome = {
  seed: 1,
  sites: ['north', '<img src=x>'],
  alone: [figures(0.5), figures(0.6)],
  federated: figures(0.8),
  pooled: figures(0.82),
  rounds: 2,
  modelHash: 'ab'.repeat(32),
}
const round = (number: number, sites: string[]) => ({
  ...{ type: 'round' as const, round: number, purpose: 'training', sites, seconds: 0.1, bytesUp: 10, bytesDown: 10 },
  absent: sites.length > 1 ? [] : [{ site: '<img src=x>', code: 'ERR_LINK_LOST', reason: 'gone' }],
  ...{ metrics: { auc: 0.7, loss: 0.5 }, stateHash: 'cd'.repeat(32) },
})
const page = report({
  ...{ name: 'study & more', description: '', planHash: 'ef'.repeat(32), command: 'npm run demo' },
  courses: [{ rounds: [round(1, outcome.sites.slice()), round(2, ['north'])], outcome }],
})

test('a report asks for nothing and runs nothing: no script, no link, no request', () => {
  expect(page).not.toMatch(/<script|<link|<iframe|@import|url\(|src=["']?http/i)
})

test('names from a plan or a roster are text, never markup', () => {
  expect(page).not.toContain('<img')
  expect(page).toContain('&lt;img src=x&gt; alone')
})

test('every model stands in the table with its interval, and every round with who was absent', () => {
  expect(page).toMatch(/north alone<\/th><td>0\.500<\/td><td class="quiet">0\.400 to 0\.600/)
  expect(page).toMatch(/federated<\/th><td>0\.800/)
  expect(page).toContain('ERR_LINK_LOST')
  expect(page.match(/<svg/g)).toHaveLength(4)
})
