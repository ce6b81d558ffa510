/** Menu of built-in data sets. */

import type { Dataset } from './dataset.ts'
import { fourHospitals } from './four-hospitals.ts'

export const datasets: Readonly<Record<string, Dataset>> = {
  'four-hospitals': fourHospitals,
}
