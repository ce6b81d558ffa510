/** The report's charts as SVG text; colours are the page's own, so that they follow light and dark. */

import * as Plot from '@observablehq/plot'
import { headline, headlineName } from '../outcome.ts'
import { accent, draw, other } from './draw.ts'
import type { Course } from './report.ts'

/** One metric of the rounds against the round; a line a seed. */
export function learningCurve(courses: readonly Course[], metric: string, label: string): string {
  const points = courses.flatMap(({ rounds, outcome }) =>
    rounds.flatMap(({ round, metrics }) =>
      Object.hasOwn(metrics, metric) ? [{ round, value: metrics[metric], seed: outcome.seed }] : [],
    ),
  )
  return draw({
    height: 240,
    ariaLabel: `${label} over the rounds`,
    x: { label: 'round' },
    y: { label, grid: true, nice: true },
    marks: [Plot.lineY(points, { x: 'round', y: 'value', z: 'seed', stroke: accent, strokeWidth: 1.75 })],
  })
}

/** The AUC or accuracy of every model with its interval; over several seeds a faint line for each. */
export function comparison(courses: readonly Course[]): string {
  const rows = courses.flatMap(({ outcome: { sites, alone, federated, pooled } }) => [
    ...sites.map((site, i) => ({ model: `${site} alone`, ...headline(alone[i]) })),
    { model: 'federated', ...headline(federated) },
    { model: 'pooled', ...headline(pooled) },
  ])
  const label = headlineName(courses[0].outcome.federated)
  const colour = ({ model }: { readonly model: string }): string => (model === 'federated' ? accent : other)
  const models = [...new Set(rows.map(({ model }) => model))]
  const opacity = courses.length > 1 ? 0.45 : 1
  return draw({
    height: 60 + 28 * models.length,
    marginLeft: 130,
    ariaLabel: `${label} of every model with its interval`,
    x: { label, grid: true, nice: true },
    y: { label: null, domain: models },
    marks: [
      Plot.ruleY(rows, { y: 'model', x1: 'low', x2: 'high', stroke: colour, strokeWidth: 2, strokeOpacity: opacity }),
      Plot.dot(rows, { y: 'model', x: 'value', fill: colour, r: 4, fillOpacity: opacity }),
    ],
  })
}

/** Sites by rounds: who was in the sum. */
export function attendance({ rounds, outcome: { sites } }: Course): string {
  const cells = rounds.flatMap(({ round, sites: there }) =>
    sites.map((site) => ({ site, round, there: there.includes(site) })),
  )
  return draw({
    height: 60 + 28 * sites.length,
    marginLeft: 100,
    ariaLabel: 'sites in the sum of each round',
    x: { label: 'round' },
    y: { label: null, type: 'band', domain: sites },
    marks: [
      Plot.dot(cells, {
        x: 'round',
        y: 'site',
        r: 3,
        stroke: ({ there }: { readonly there: boolean }) => (there ? accent : other),
        fill: ({ there }: { readonly there: boolean }) => (there ? accent : 'none'),
      }),
    ],
  })
}
