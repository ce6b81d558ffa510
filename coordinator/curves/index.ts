/** The menu of formats in which curves can be taken elsewhere. */

import { csv } from './csv.ts'
import type { CurveWriter } from './curve.ts'
import { mlflow } from './mlflow.ts'
import { tensorboard } from './tensorboard.ts'

export const curveFormats: Readonly<Record<string, CurveWriter>> = { tensorboard, mlflow, csv }
