/**
 * Schools that want to see early which students may not finish the year, and may not show each other a single one of them.
 *
 * One logistic model holds at every school; schools differ in size, in whom they teach and in how strictly they grade, so
 * that a grade means something else at each of them while attendance means the same.
 */

import { dataSchema } from '../../protocol/schema.ts'
import { Stream } from '../../protocol/stream.ts'
import { coin, logistic, normalWithin, pick, rounded } from './chance.ts'
import type { Dataset } from './dataset.ts'
import { apportion, csvText } from './records.ts'

export const studentOutcomes: Dataset = {
  description: 'ten schools, 3,000 students; dropping out yes or no from attendance, grades and circumstances',
  schema: dataSchema.parse({
    columns: [
      { name: 'age', type: 'number', unit: 'years', range: [13, 23], integer: true },
      { name: 'attendance', type: 'number', range: [0, 100] },
      { name: 'grade_mean', type: 'number', range: [0, 20] },
      { name: 'grade_trend', type: 'number', range: [-10, 10] },
      { name: 'repeated', type: 'number', range: [0, 4], integer: true },
      { name: 'study_hours', type: 'number', range: [0, 60] },
      { name: 'travel_minutes', type: 'number', range: [0, 240], integer: true },
      { name: 'parents_school', type: 'category', categories: ['none', 'primary', 'secondary', 'higher'] },
      { name: 'support', type: 'category', categories: ['no', 'yes'] },
      { name: 'works', type: 'category', categories: ['no', 'yes'] },
      { name: 'internet', type: 'category', categories: ['no', 'yes'] },
    ],
    label: { column: 'left', type: 'binary', positive: ['1'], negative: ['0'] },
  }),
  generate: ({ seed, rows = 3000 }) => {
    const schools = Array.from({ length: 10 }, (_, i) => schoolOf(i, new Stream(`${seed}/students/school/${i}`)))
    const counts = apportion(
      rows,
      schools.map((school) => school.size),
    )
    return schools.map((school, i) => {
      const stream = new Stream(`${seed}/students/${school.site}`)
      const records = Array.from({ length: counts[i] }, () => student(school, stream))
      const share = { study_hours: 0.1, parents_school: school.hardship > 0.5 ? 0.3 : 0.05 }
      return { site: school.site, csv: csvText(records, { code: 'NA', share }, stream.fork('missing')) }
    })
  },
}

interface School {
  readonly site: string
  readonly size: number
  /** Of the families, 0 on average. */
  readonly hardship: number
  /** What the same work earns less here, in points of twenty. */
  readonly strictness: number
}

const schoolOf = (index: number, stream: Stream): School => ({
  site: `school-${String(index + 1).padStart(2, '0')}`,
  size: Math.exp(0.7 * stream.normal()),
  hardship: 0.8 * stream.normal(),
  strictness: 2.2 * stream.normal(),
})

function student(school: School, stream: Stream) {
  const hardship = school.hardship + stream.normal()
  const effort = stream.normal()
  const poorer = Math.exp(0.5 * hardship)
  const attendance = normalWithin(stream, [90 - 4 * hardship + 4 * effort, 6], [20, 100])
  const ability = 12.5 + 2.2 * effort - 0.7 * hardship + 1.5 * stream.normal()
  const trend = normalWithin(stream, [0.3 * effort, 1.2], [-6, 6])
  const repeated = [0, 1, 2].filter(() => coin(stream, logistic(-3 + 0.7 * hardship - 0.5 * effort))).length
  const works = coin(stream, logistic(-1.2 + 0.8 * hardship))
  const support = coin(stream, logistic(-0.4 + 0.3 * hardship))
  const hours = normalWithin(stream, [9 + 4 * effort - (works ? 2 : 0), 3], [0, 40])
  const logit =
    -2.6 -
    0.09 * (attendance - 88) -
    0.32 * (ability - 12.5) -
    0.45 * trend +
    0.7 * repeated +
    0.5 * hardship +
    (works ? 0.5 : 0) -
    (support ? 0.7 : 0)
  return {
    age: Math.round(normalWithin(stream, [16.5 + repeated, 1], [14, 22])),
    attendance: rounded(attendance, 1),
    grade_mean: rounded(Math.min(20, Math.max(0, ability - school.strictness)), 1),
    grade_trend: rounded(trend, 1),
    repeated,
    study_hours: rounded(hours, 1),
    travel_minutes: Math.round(normalWithin(stream, [25 + 8 * hardship, 15], [0, 150])),
    parents_school: pick(stream, { none: 0.2 * poorer, primary: poorer, secondary: 1.5, higher: 1.2 / poorer }),
    support: support ? 'yes' : 'no',
    works: works ? 'yes' : 'no',
    internet: coin(stream, logistic(2 - 0.8 * hardship)) ? 'yes' : 'no',
    left: coin(stream, logistic(logit)) ? 1 : 0,
  }
}
