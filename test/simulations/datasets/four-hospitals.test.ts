import { expect, test } from 'vitest'
import { fourHospitals } from '../../../simulations/datasets/four-hospitals.ts'

interface Site {
  readonly name: string
  readonly columns: Readonly<Record<string, readonly string[]>>
}

/** Ten times the usual size, so that shares are sharp. */
const sites: Readonly<Record<string, Site>> = Object.fromEntries(
  fourHospitals.generate({ seed: 1, rows: 8900 }).map(({ site, csv }) => {
    const [header, ...rows] = csv
      .trimEnd()
      .split('\n')
      .map((line) => line.split(','))
    const columns = Object.fromEntries(header.map((name, i) => [name, rows.map((row) => row[i])]))
    return [site, { name: site, columns }]
  }),
)

const share = (site: string, column: string, codes: readonly string[]) => {
  const values = sites[site].columns[column]
  return values.filter((value) => codes.includes(value)).length / values.length
}

test('the usual sizes are 420, 260, 120 and 90', () => {
  const rows = fourHospitals.generate({ seed: 3 }).map(({ csv }) => csv.trimEnd().split('\n').length - 1)
  expect(rows).toEqual([420, 260, 120, 90])
})

test('prevalence runs from under a third to about nine in ten', () => {
  expect(share('county', 'disease', ['1'])).toBeLessThan(0.33)
  expect(Math.abs(share('university', 'disease', ['1']) - 0.5)).toBeLessThan(0.06)
  expect(share('heart-centre', 'disease', ['1'])).toBeGreaterThan(0.83)
})

test('each hospital has its own blind spot and its own code for it', () => {
  expect(share('university', 'vessels', ['NA'])).toBeCloseTo(0.95, 1)
  expect(share('county', 'chest_pain', ['?'])).toBeCloseTo(0.6, 1)
  expect(share('veterans', 'exercise_angina', [''])).toBeCloseTo(0.25, 1)
  expect(share('heart-centre', 'cholesterol', ['?'])).toBe(1)
})

test('the laboratory of one hospital reads cholesterol higher by about a fifth', () => {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  const level = (site: string) => mean(sites[site].columns.cholesterol.filter((v) => v !== 'NA').map(Number))
  expect(level('county') / level('veterans')).toBeGreaterThan(1.12)
  expect(level('university') / level('veterans')).toBeLessThan(1.02)
})
