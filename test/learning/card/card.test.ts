import { expect, test } from 'vitest'
import { html } from '../../../learning/card/html.ts'
import { markdown } from '../../../learning/card/markdown.ts'
import type { ModelCard } from '../../../learning/card/model-card.ts'

const card: ModelCard = {
  ...{ concordat: 1, kind: 'model-card', name: 'heart', description: '<img src=x onerror=alert(1)> a | b' },
  ...{ intendedUse: 'triage', expires: '2027-06-30', author: 'Dr A', algorithm: 'fed-sgd', model: 'logistic' },
  columns: [{ name: 'age', type: 'number', values: '0 to 120 years' }],
  label: 'disease',
  rounds: 3,
  sites: [{ name: 'county', rounds: 2, countersigned: true, withdrawn: false }],
  absences: [{ round: 1, site: 'county', code: 'ERR_SILENT', reason: '[link](http://x) `code`' }],
  privacy: { mechanism: 'gaussian', unit: 'record', epsilon: 0.98765, delta: 1e-5 },
  metrics: [{ name: 'auc', value: 0.9, low: 0.85, high: 0.95 }],
  hashes: { plan: 'p', terms: 't', session: 's', state: 'x', journal: 'j' },
}

test('every form says use, privacy by unit, figures with intervals, absences and hashes', () => {
  for (const text of [html(card), markdown(card)]) {
    for (const fact of [
      'triage',
      '2027-06-30',
      'epsilon 0.988 at delta 0.00001',
      'one record',
      '0.850 to 0.950',
      'SILENT',
    ])
      expect(text).toContain(fact)
  }
})

test('what a plan or a peer wrote never becomes markup', () => {
  expect(html(card)).not.toContain('<img')
  expect(markdown(card)).not.toMatch(/(?<!\\)<img|(?<!\\)\[link|(?<!\\)`code/)
  expect(
    markdown(card)
      .split('\n')
      .find((line) => line.includes('link')),
  ).toMatch(/^(\| [^|]* ){4}\|$/)
})

test('the page asks nobody for anything', () => {
  expect(html(card)).not.toMatch(/<script|src=(?!x onerror)|url\(|@import/)
})
