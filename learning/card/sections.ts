/** A card's contents in the order in which they are read, for every form it is written in. */

import type { Metric, ModelCard } from './model-card.ts'

export type Section =
  | { readonly title: string; readonly facts: readonly (readonly [string, string])[] }
  | { readonly title: string; readonly heads: readonly string[]; readonly rows: readonly (readonly string[])[] }

export function sectionsOf(card: ModelCard): Section[] {
  const { columns, label, sites, absences, privacy, metrics, hashes } = card
  return [
    {
      title: 'Use',
      facts: [
        ['intended use', card.intendedUse || 'the plan states none'],
        ['study ends', card.expires ?? 'the plan states no end'],
        ['author of the plan', card.author ?? 'unsigned'],
        ['computation', `${card.algorithm}${card.model === null ? '' : ` of a ${card.model} model`}`],
      ],
    },
    {
      title: 'How well it does',
      heads: ['on rows that no site trained on', 'value', '95 % interval'],
      rows: metrics.map((metric) => [metric.name, figure(metric.value), interval(metric)]),
    },
    {
      title: 'Privacy',
      facts: [
        ['mechanism', privacy.mechanism],
        [
          'hides',
          privacy.unit === null ? 'nobody: nothing bounds what the result tells of a person' : `one ${privacy.unit}`,
        ],
        [
          'cost of all rounds',
          privacy.epsilon === null ? 'no bound' : `epsilon ${privacy.epsilon.toFixed(3)} at delta ${privacy.delta}`,
        ],
        ['contributions', 'masked: only sums over the sites were seen'],
      ],
    },
    {
      title: 'Sites',
      heads: ['site', `in rounds, of ${card.rounds}`, 'journal countersigned', 'withdrawn'],
      rows: sites.map((site) => [site.name, String(site.rounds), yes(site.countersigned), yes(site.withdrawn)]),
    },
    {
      title: 'Who was not in a round, and why',
      heads: ['round', 'site', 'code', 'reason'],
      rows: absences.map(({ round, site, code, reason }) => [String(round), site, code, reason]),
    },
    {
      title: 'Data',
      heads: ['column', 'type', 'values'],
      rows: [
        ...columns.map(({ name, type, values }) => [name, type, values]),
        ...(label === null ? [] : [[label, 'label', '']]),
      ],
    },
    {
      title: 'Proof',
      facts: [
        ['plan', hashes.plan],
        ['terms', hashes.terms],
        ['run', hashes.session],
        ['result', hashes.state],
        ['journal', hashes.journal],
      ],
    },
  ]
}

const yes = (is: boolean): string => (is ? 'yes' : 'no')
const figure = (value: number): string => (Number.isInteger(value) ? String(value) : value.toFixed(3))
const interval = ({ low, high }: Metric): string =>
  low === null || high === null ? '' : `${low.toFixed(3)} to ${high.toFixed(3)}`
