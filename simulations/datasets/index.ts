/** Menu of built-in data sets. */

import type { Dataset } from './dataset.ts'
import { fourHospitals } from './four-hospitals.ts'
import { retailDemand } from './retail-demand.ts'
import { studentOutcomes } from './student-outcomes.ts'

export const datasets: Readonly<Record<string, Dataset>> = {
  'four-hospitals': fourHospitals,
  'retail-demand': retailDemand,
  'student-outcomes': studentOutcomes,
}
