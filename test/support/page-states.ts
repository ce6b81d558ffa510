/** Every state in which the participant's page can be, as its worker would post it: to be drawn, looked at and examined. */

import { type FileView, firstState, type PageState, type PlanView } from '../../client-web/worker/page-state.ts'
import { noMapping } from '../../learning/data/mapping.ts'
import { unitsLike } from '../../learning/data/units.ts'
import type { Receipt } from '../../protocol/participant/receipt.ts'

/** A state without its Blobs, which are made in the page. */
const keptFile = new Blob(['kept'])

const roster = {
  version: 3,
  words: 'orbit velvet canyon sister maple rescue',
  sites: ['university', 'heart-centre', 'county', 'veterans', 'universitätsklinikum-schleswig-holstein'],
}
const site = {
  name: 'county',
  url: 'https://coordinator.heart-study.example/eu/',
  words: 'pilot garlic maximum doctor bonus anchor',
  sealed: true,
  roster,
  waiting: undefined,
}

const rules = { unprotected: false, epsilon: 10, minimumRows: 3, largeModels: false, budget: 25 }

const plan: PlanView = {
  name: 'hospitals',
  description: 'Coronary disease yes or no from twelve findings; four hospitals, nobody shows a patient.',
  hash: 'ab'.repeat(32),
  ...{ algorithm: 'fed-avg', model: 'logistic', parameters: 27, rounds: 20, rows: 303 },
  columns: [
    'age',
    'sex',
    'chest_pain',
    'resting_pressure',
    'cholesterol',
    'fasting_sugar',
    'resting_ecg',
    'max_heart_rate',
  ],
  label: 'disease',
  departures: [
    {
      purpose: 'statistics of every column',
      numbers: [
        { name: 'rows', length: 1 },
        { name: 'sums', length: 26 },
        { name: 'Hauptdiagnoseverschlüsselungsverfahren', length: 1200 },
      ],
      bytes: 1480,
    },
    { purpose: 'training', numbers: [{ name: 'update', length: 27 }], bytes: 220 },
  ],
  cost: { mechanism: 'gaussian', unit: 'record', epsilon: 3.214, delta: 1e-5 },
  study: {
    expires: '2027-12-31',
    terms: 'Records are used for this model alone.',
    intendedUse: 'Triage in cardiology.',
  },
  author: { name: 'Prof. Müller-Lüdenscheidt', key: 'cd'.repeat(32) },
}

const cost = { unit: 'record', delta: 1e-5 } as const
const privacy = {
  total: { ...cost, epsilon: 4.31, releases: 27 },
  run: { ...cost, epsilon: 1.207, releases: 7 },
  runs: [
    { ...cost, epsilon: 2.9, releases: 20, plan: 'statistics-of-admissions', session: 'a', last: 1_793_000_000_000 },
    { ...cost, epsilon: 1.207, releases: 7, plan: 'hospitals', session: 'b', last: 1_795_600_000_000 },
  ],
  file: keptFile,
}
const noPrivacy = {
  ...privacy,
  total: { ...cost, unit: null, epsilon: null, releases: 7 },
  run: { ...cost, unit: null, epsilon: null, releases: 7 },
  runs: [{ ...cost, unit: null, epsilon: null, releases: 7, plan: 'hospitals', session: 'b', last: 1_795_600_000_000 }],
}

const wanted = [
  { name: 'age', units: unitsLike('years'), codes: [] },
  { name: 'resting_pressure', units: unitsLike('mm Hg'), codes: [] },
  { name: 'chest_pain', units: [], codes: ['typical', 'atypical', 'non-anginal', 'none'] },
  { name: 'disease', units: [], codes: ['0', '1'] },
]

const file = { name: 'county-2026-cleaned-final.csv', bytes: 2_345_678, files: 1 }
const fitting: FileView = {
  ...file,
  check: {
    ...{ state: 'fits', rows: 303, skipped: 2 },
    columns: [
      { name: 'age', kind: 'number', missing: 0, bars: [0.1, 0.3, 0.5, 0.8, 1, 0.9, 0.4, 0.2], from: '29', to: '77' },
      { name: 'sex', kind: 'category', missing: 0, bars: [0.48, 1], from: 'female', to: 'male' },
      { name: 'cholesterol', kind: 'number', missing: 0.043, bars: [0.2, 1, 0.7, 0.3, 0.05], from: '126', to: '564' },
      { name: 'vessels', kind: 'number', missing: 0.31, bars: [1, 0.4, 0.2, 0.1], from: '0', to: '3' },
      {
        name: 'Aufnahmediagnoseschlüsselnummer',
        kind: 'category',
        missing: 0,
        bars: [1, 0.2, 0.1],
        from: 'typical',
        to: 'none',
      },
    ],
  },
  mapping: { value: noMapping, proposed: noMapping, yaml: undefined, wanted },
}

const misfit: FileView = {
  ...file,
  check: {
    state: 'misfit',
    code: 'ERR_DATA_CATEGORY',
    reason: 'county.csv:2:8: "chest_pain": expected one of "typical", "atypical", "non-anginal", "none"; found "TYP"',
    survey: {
      names: ['Alter', 'resting_pressure', 'chest_pain', 'disease', 'Anmerkungen'],
      absent: ['age'],
      unknown: ['Alter', 'Anmerkungen', 'Krankenversichertennummer'],
      misfits: [
        {
          ...{ column: 'chest_pain', code: 'ERR_DATA_CATEGORY', count: 212 },
          first:
            'county.csv:2:8: "chest_pain": expected one of "typical", "atypical", "non-anginal", "none"; found "TYP"',
          values: [
            { value: 'TYP', count: 120 },
            { value: 'keine', count: 90 },
            { value: '', count: 2 },
          ],
        },
        {
          ...{ column: 'resting_pressure', code: 'ERR_DATA_RANGE', count: 303 },
          first: 'county.csv:2:4: "resting_pressure": expected 70 to 250, found 17.3 mm Hg',
          values: [
            { value: '17.3', count: 12 },
            { value: '-9', count: 3 },
          ],
        },
        {
          ...{ column: 'disease', code: 'ERR_DATA_LABEL_ONE_CLASS', count: 1 },
          first: 'county.csv: the label "disease" is never positive (1) in 303 rows',
          values: [{ value: '', count: 1 }],
        },
      ],
      fault: undefined,
    },
  },
  mapping: {
    value: noMapping,
    proposed: { ...noMapping, rename: { Alter: 'age' }, categories: { chest_pain: { TYP: 'typical' } }, ignore: '*' },
    yaml: keptFile,
    wanted,
  },
}

const rounds = Array.from({ length: 8 }, (_, i) => ({
  round: i + 1,
  sites: i === 4 ? 3 : 4,
  metrics: { trainingLoss: 0.61 / (i + 1), auc: 0.78 + i / 100 },
}))
const receipt: Omit<Receipt, 'sha256'> = {
  ...{ session: 'b', plan: 'hospitals', round: 3, purpose: 'training', clipped: false, suppressed: 0 },
  lanes: [{ name: 'update', length: 27, bound: 1, norm: 0.4, largest: 1 }],
  ...{ mechanism: 'gaussian', unit: 'record', charge: [], masked: true, bytes: 220 },
}
const receipts = {
  count: 27,
  last: Array.from({ length: 8 }, (_, i) => ({ ...receipt, round: i, sha256: `${i}f3a`.repeat(16) })),
  file: keptFile,
}

const enrolled: PageState = { ...firstState, phase: 'enrolled', link: 'connected', site }
const ready: PageState = {
  ...enrolled,
  rules,
  file: fitting,
  privacy: { ...privacy, run: { ...privacy.run, releases: 0 } },
}
const running: PageState = {
  ...ready,
  ...{ phase: 'running', plan, privacy, rounds, receipts, doing: { round: 8, purpose: 'training' } },
  journal: { entries: 41, file: keptFile },
}
const finished: PageState = {
  ...running,
  phase: 'finished',
  doing: undefined,
  result: {
    file: keptFile,
    form: {
      label: 'disease',
      fields: [
        { kind: 'number', name: 'age', unit: 'years', range: [18, 100], integer: true },
        { kind: 'number', name: 'resting_pressure', unit: 'mm Hg', range: [70, 250], integer: true },
        { kind: 'category', name: 'chest_pain', codes: ['typical', 'atypical', 'non-anginal', 'none'] },
        { kind: 'number', name: 'Kreatininkonzentrationsbestimmung', unit: 'umol/l', range: [0, 2000], integer: false },
        { kind: 'image', name: 'x_ray' },
      ],
    },
  },
  predictions: { rows: 303, file: keptFile },
}

export const pageStates: Readonly<Record<string, PageState>> = {
  loading: firstState,
  broken: {
    ...{ ...firstState, phase: 'broken' },
    fault: {
      code: 'ERR_INTEGRITY',
      reason: 'worker-a1b2.js is not what the build made: it was changed on its way here',
    },
  },
  elsewhere: { ...firstState, phase: 'elsewhere' },
  uninvited: { ...firstState, phase: 'uninvited' },
  invited: { ...firstState, phase: 'invited', site: { ...site, roster: undefined } },
  pending: { ...firstState, phase: 'pending', site: { ...site, roster: undefined } },
  refused: {
    ...{ ...firstState, phase: 'refused', site: { ...site, roster: undefined } },
    fault: { code: 'ERR_REFUSED', reason: 'the words read out were others' },
  },
  enrolled,
  rules: { ...enrolled, rules, file: { ...file, check: { state: 'waiting' }, mapping: undefined } },
  reading: { ...ready, file: { ...file, check: { state: 'reading', share: 0.4 }, mapping: undefined } },
  misfit: { ...ready, file: misfit },
  review: { ...ready, phase: 'review', plan },
  unprotected: {
    ...{ ...ready, phase: 'review', rules: { ...rules, unprotected: true, budget: undefined }, privacy: noPrivacy },
    plan: { ...plan, cost: { ...plan.cost, unit: null, epsilon: null }, study: undefined, author: undefined },
  },
  running,
  offline: { ...running, link: 'connecting', doing: undefined },
  paused: { ...running, phase: 'paused', link: 'off', doing: undefined },
  leaving: { ...running, phase: 'leaving', doing: undefined },
  left: { ...running, phase: 'left', doing: undefined },
  roster: {
    ...running,
    site: { ...site, waiting: { ...roster, version: 4, words: 'gauge drift notice table umbrella fiction' } },
  },
  finished,
  forecast: {
    ...finished,
    forecast: {
      kind: 'class',
      shares: [
        { code: '1', share: 0.634 },
        { code: '0', share: 0.366 },
      ],
    },
  },
  error: {
    ...running,
    fault: {
      code: 'ERR_POLICY_REFUSED',
      reason: 'privacy.unprotected: the plan’s mechanism "none" hides no person in the sum',
    },
  },
}
