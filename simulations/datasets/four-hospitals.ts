/**
 * Four hospitals that differ as hospitals do: in size, in whom they see, in what they measure and how they write it.
 *
 * The columns follow the UCI heart disease data (Detrano et al. 1989); every number is drawn from a seed. The label
 * follows one logistic model with an interaction at all hospitals, so that what differs is the patients alone.
 */

import { dataSchema } from '../../protocol/schema.ts'
import { Stream } from '../../protocol/stream.ts'
import { coin, logistic, normalWithin, pick, rounded } from './chance.ts'
import type { Dataset } from './dataset.ts'
import { apportion, csvText, type Missingness } from './records.ts'

export const fourHospitals: Dataset = {
  description: 'four hospitals, 890 patients, coronary disease yes or no; sizes, case mix and missing values differ',
  schema: dataSchema.parse({
    columns: [
      { name: 'age', type: 'number', unit: 'years', range: [18, 100], integer: true },
      { name: 'sex', type: 'category', categories: ['female', 'male'] },
      { name: 'chest_pain', type: 'category', categories: ['typical', 'atypical', 'non-anginal', 'none'] },
      { name: 'resting_pressure', type: 'number', unit: 'mm Hg', range: [70, 250], integer: true },
      { name: 'cholesterol', type: 'number', unit: 'mg/dl', range: [80, 600], integer: true },
      { name: 'fasting_sugar', type: 'category', categories: ['normal', 'high'] },
      { name: 'resting_ecg', type: 'category', categories: ['normal', 'st-t', 'hypertrophy'] },
      { name: 'max_heart_rate', type: 'number', unit: '1/min', range: [50, 220], integer: true },
      { name: 'exercise_angina', type: 'category', categories: ['no', 'yes'] },
      { name: 'st_depression', type: 'number', unit: 'mm', range: [-3, 8] },
      { name: 'st_slope', type: 'category', categories: ['up', 'flat', 'down'] },
      { name: 'vessels', type: 'number', range: [0, 3], integer: true },
    ],
    label: { column: 'disease', type: 'binary', positive: ['1'], negative: ['0'] },
  }),
  generate: ({ seed, rows = usualRows }) => {
    const counts = apportion(
      rows,
      hospitals.map((hospital) => hospital.rows),
    )
    return hospitals.map((hospital, i) => {
      const stream = new Stream(`${seed}/four-hospitals/${hospital.site}`)
      const records = Array.from({ length: counts[i] }, () => record(hospital, patient(hospital, stream), stream))
      return { site: hospital.site, csv: csvText(records, hospital.missing, stream.fork('missing')) }
    })
  },
}

interface Hospital {
  readonly site: string
  readonly rows: number
  /** Mean and standard deviation, years. */
  readonly age: readonly [number, number]
  readonly men: number
  /** How ill the patients are who come here: moves every finding, 0 for the average hospital. */
  readonly severity: number
  /** The laboratory reads this much of the true cholesterol: a shift that the schema's range lets through. */
  readonly assay: number
  readonly missing: Missingness
}

const hospitals: readonly Hospital[] = [
  {
    site: 'university',
    rows: 420,
    age: [55, 10],
    men: 0.66,
    severity: 0,
    assay: 1,
    missing: { code: 'NA', share: { vessels: 0.95, st_slope: 0.8, cholesterol: 0.03 } },
  },
  {
    site: 'county',
    rows: 260,
    age: [47, 8],
    men: 0.7,
    severity: -0.8,
    assay: 1.22,
    missing: { code: '?', share: { chest_pain: 0.6, resting_ecg: 0.3, fasting_sugar: 0.1 } },
  },
  {
    site: 'veterans',
    rows: 120,
    age: [61, 8],
    men: 0.96,
    severity: 0.5,
    assay: 1,
    missing: { code: '', share: { resting_pressure: 0.25, max_heart_rate: 0.25, exercise_angina: 0.25 } },
  },
  {
    site: 'heart-centre',
    rows: 90,
    age: [58, 9],
    men: 0.8,
    severity: 1.9,
    assay: 1,
    missing: { code: '?', share: { cholesterol: 1, fasting_sugar: 0.6, st_slope: 0.15 } },
  },
]
const usualRows = hospitals.reduce((sum, hospital) => sum + hospital.rows, 0)

interface Patient {
  readonly age: number
  readonly male: boolean
  readonly chestPain: 'typical' | 'atypical' | 'non-anginal' | 'none'
  readonly pressure: number
  readonly cholesterol: number
  readonly highSugar: boolean
  readonly ecg: 'normal' | 'st-t' | 'hypertrophy'
  readonly heartRate: number
  readonly angina: boolean
  readonly stDepression: number
  readonly slope: 'up' | 'flat' | 'down'
  readonly vessels: number
}

/** Findings move together because illness moves them all. */
function patient(hospital: Hospital, stream: Stream): Patient {
  const illness = hospital.severity + stream.normal()
  const age = Math.round(normalWithin(stream, hospital.age, [28, 88]))
  const worse = Math.exp(0.6 * illness)
  const slope = pick(stream, { up: 1.2 / worse, flat: worse, down: 0.15 * worse })
  return {
    age,
    male: coin(stream, hospital.men),
    chestPain: pick(stream, { typical: 0.4, atypical: 1.1 / worse, 'non-anginal': 1.2, none: 1.4 * worse }),
    pressure: Math.round(normalWithin(stream, [112 + 0.35 * age, 17], [80, 220])),
    cholesterol: Math.round(normalWithin(stream, [205 + 0.6 * age, 45], [110, 420])),
    highSugar: coin(stream, logistic(-3.2 + 0.025 * age)),
    ecg: pick(stream, { normal: 1, 'st-t': 0.15 * worse, hypertrophy: 0.5 }),
    heartRate: Math.round(normalWithin(stream, [204 - 0.95 * age - 7 * illness, 15], [60, 205])),
    angina: coin(stream, logistic(-0.9 + 0.9 * illness)),
    stDepression: rounded(Math.max(0, 0.6 + 0.55 * illness + (slope === 'up' ? 0 : 0.4) + 0.8 * stream.normal()), 1),
    slope,
    vessels: [0, 1, 2, 3].filter((vessel) => coin(stream, logistic(-1.9 - 0.3 * vessel + 0.8 * illness))).length % 4,
  }
}

/** The log-odds of disease. The interaction: a depressed ST segment says more where exercise brings angina on. */
function logOdds(patient: Patient): number {
  const chestPain = { typical: -0.2, atypical: -1, 'non-anginal': -0.6, none: 1.1 }[patient.chestPain]
  const slope = { up: -0.5, flat: 0.5, down: 0.6 }[patient.slope]
  return (
    -0.9 +
    0.35 * ((patient.age - 54) / 10) +
    (patient.male ? 0.6 : -0.8) +
    chestPain +
    0.25 * ((patient.pressure - 131) / 18) +
    0.5 * ((patient.cholesterol - 238) / 46) +
    (patient.highSugar ? 0.3 : 0) +
    (patient.ecg === 'normal' ? 0 : 0.3) -
    0.6 * ((patient.heartRate - 150) / 22) +
    (patient.angina ? 0.3 : -0.2) +
    (patient.angina ? 1.1 : 0.3) * patient.stDepression +
    slope +
    0.8 * patient.vessels
  )
}

function record(hospital: Hospital, patient: Patient, stream: Stream) {
  return {
    age: patient.age,
    sex: patient.male ? 'male' : 'female',
    chest_pain: patient.chestPain,
    resting_pressure: patient.pressure,
    cholesterol: Math.round(patient.cholesterol * hospital.assay),
    fasting_sugar: patient.highSugar ? 'high' : 'normal',
    resting_ecg: patient.ecg,
    max_heart_rate: patient.heartRate,
    exercise_angina: patient.angina ? 'yes' : 'no',
    st_depression: patient.stDepression,
    st_slope: patient.slope,
    vessels: patient.vessels,
    disease: coin(stream, logistic(logOdds(patient))) ? 1 : 0,
  }
}
