/** A study or a run as one self-contained page: no script, no request, readable in print, light and dark, narrow and wide. */

import type { RoundEvent } from '../../coordinator/events.ts'
import { escaped } from '../../learning/card/escaped.ts'
import type { Estimate } from '../../learning/metrics/interval.ts'
import { type Figures, headline, headlineName, mean, type Outcome } from '../outcome.ts'
import { attendance, comparison, learningCurve } from './charts.ts'
import { figure, page } from './page.ts'

/** One seed: how its rounds went and what came of it. */
export interface Course {
  readonly rounds: readonly RoundEvent[]
  readonly outcome: Outcome
}

export interface ReportInput {
  readonly name: string
  readonly description: string
  /** Hexadecimal. */
  readonly planHash: string
  /** At least one. */
  readonly courses: readonly Course[]
  /** The command that gives the same models again. */
  readonly command: string
}

/** @returns the text of an HTML file. */
export function report(input: ReportInput): string {
  const [first] = input.courses
  const name = headlineName(first.outcome.federated)
  return page(
    { kind: 'Concordat report', name: input.name, description: input.description },
    `${answer(input.courses)}
<section class="charts">
${figure('How well each model does on rows it has not seen', `${name} with its 95 % interval, on the rows all sites hold out`, comparison(input.courses))}
${figure(`${name} over the rounds`, 'Of the global model at the beginning of each round, from sums over the sites', learningCurve(input.courses, name.toLowerCase(), name))}
${figure('Loss over the rounds', 'Mean log loss on held-out rows, from sums over the sites', learningCurve(input.courses, 'loss', 'log loss'))}
${figure('Who was in each sum', 'Filled: in the sum. Open: absent; the round went on without the site', attendance(first))}
</section>
${comparisonSection(first.outcome, input.courses.length)}
${roundSection(first)}
<section>
<h2>The same again</h2>
<dl>
<dt>command</dt><dd><code>${escaped(input.command)}</code></dd>
<dt>plan</dt><dd><code>${input.planHash}</code></dd>
${input.courses.map(({ outcome }) => `<dt>model, seed ${outcome.seed}</dt><dd><code>${outcome.modelHash}</code></dd>`).join('\n')}
</dl>
<p>Intervals are 95 %: DeLong's for the AUC, Wilson's for the accuracy. All models are judged on the same rows.</p>
</section>
`,
  )
}

/** The one sentence most readers come for, in figures. */
function answer(courses: readonly Course[]): string {
  const name = headlineName(courses[0].outcome.federated)
  const figure = (of: (outcome: Outcome) => readonly Figures[]): number =>
    mean(courses.flatMap(({ outcome }) => of(outcome).map((figures) => headline(figures).value)))
  const tiles: [string, number][] = [
    ['a site alone, on average', figure(({ alone }) => alone)],
    ['federated', figure(({ federated }) => [federated])],
    ['all rows in one place', figure(({ pooled }) => [pooled])],
  ]
  const seeds = courses.length > 1 ? `, mean of ${courses.length} seeds` : ''
  return `<section class="tiles" aria-label="${name} on held-out rows${seeds}">
${tiles.map(([of, value]) => `<div class="tile${of === 'federated' ? ' main' : ''}"><span class="figure">${value.toFixed(3)}</span><span>${name}, ${of}${seeds}</span></div>`).join('\n')}
</section>`
}

function comparisonSection({ sites, alone, federated, pooled, seed }: Outcome, seeds: number): string {
  const rows: [string, Figures][] = [
    ...sites.map((site, i): [string, Figures] => [`${site} alone`, alone[i]]),
    ['federated', federated],
    ['pooled', pooled],
  ]
  return `<section><h2>Alone, federated, pooled${seeds > 1 ? `, seed ${seed}` : ''}</h2>
<div class="scroll"><table><thead><tr><th scope="col">model</th>${federated.auc ? '<th scope="col">AUC</th><th scope="col">95 %</th>' : ''}<th scope="col">accuracy</th><th scope="col">95 %</th></tr></thead>
<tbody>
${rows.map(([name, { auc, accuracy }]) => `<tr><th scope="row">${escaped(name)}</th>${auc ? cells(auc) : ''}${accuracy ? cells(accuracy) : ''}</tr>`).join('\n')}
</tbody></table></div></section>`
}

const cells = ({ value, low, high }: Estimate): string =>
  `<td>${value.toFixed(3)}</td><td class="quiet">${low.toFixed(3)} to ${high.toFixed(3)}</td>`

function roundSection({ rounds, outcome }: Course): string {
  const total = (of: (round: RoundEvent) => number): number => rounds.reduce((sum, round) => sum + of(round), 0)
  const lines = rounds.map(
    ({ round, purpose, sites, absent, seconds, bytesUp }) =>
      `<tr><td>${round}</td><th scope="row">${escaped(purpose)}</th><td>${sites.length}</td><td>${absent.map(({ site, code }) => `${escaped(site)} <span class="quiet">${escaped(code)}</span>`).join(', ')}</td><td>${seconds.toFixed(2)}</td><td>${bytesUp.toLocaleString('en')}</td></tr>`,
  )
  return `<section><h2>Rounds</h2>
<p>${rounds.length} rounds over ${outcome.sites.length} sites took ${total(({ seconds }) => seconds).toFixed(1)} s; the sites sent ${total(({ bytesUp }) => bytesUp).toLocaleString('en')} masked bytes in all.</p>
<details><summary>every round</summary><div class="scroll"><table><thead><tr><th scope="col">round</th><th scope="col">purpose</th><th scope="col">sites</th><th scope="col">absent</th><th scope="col">seconds</th><th scope="col">bytes up</th></tr></thead>
<tbody>
${lines.join('\n')}
</tbody></table></div></details></section>`
}
