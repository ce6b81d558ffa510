/** What a plan's parts lead to before any data: the label, the model's description and the lanes of the first round. */

import type { Lane, Lanes } from '../../protocol/algorithm.ts'
import { InputError } from '../../protocol/errors.ts'
import { type Plan, suggestion } from '../../protocol/plan.ts'
import type { DataSchema, Label } from '../../protocol/schema.ts'
import { featureCount, type Preprocessing, type PreprocessingOptions, preprocessing } from '../data/preprocess.ts'
import { maxRows, readStatistics, statisticsLanes } from '../data/statistics.ts'
import { sumBlocks } from '../data/streamed.ts'
import { imageColumns, measuredColumns } from '../data/table.ts'
import { checkUnits } from '../data/units.ts'
import type { ModelDescription } from '../models/description.ts'
import { models } from '../models/index.ts'
import { parameterCount } from '../models/initial.ts'
import type { Site } from './site.ts'
import { splitParts } from './site-data.ts'
import { unpackLanes } from './sums.ts'

export interface Task {
  readonly plan: Plan
  readonly label: Label
  readonly preprocessing: PreprocessingOptions
  readonly model: ModelDescription
  readonly parameters: number
  readonly statisticsLanes: readonly Lane[]
}

/** What the first round's sums settle. */
export interface Basis {
  readonly preprocessing: Preprocessing
  /** Over all sites. */
  readonly trainingRows: number
  readonly heldOutRows: number
}

/** @throws InputError ERR_PLAN, ERR_MODEL_* where the plan's parts do not fit together. */
export function taskOf(plan: Plan, options: PreprocessingOptions): Task {
  const { data, model } = plan
  checkUnits(data)
  if (data.label === undefined) {
    throw new InputError('ERR_PLAN', 'expected a label: training needs something to predict', 'data.label')
  }
  if (model === undefined) {
    throw new InputError('ERR_PLAN', `expected a model: one of ${Object.keys(models).join(', ')}`, 'model')
  }
  const { name, ...modelOptions } = model
  if (!Object.hasOwn(models, name)) {
    const near = suggestion(name, Object.keys(models))
    throw new InputError(
      'ERR_PLAN',
      `expected one of ${Object.keys(models).join(', ')}; found "${name}"${near}`,
      'model.name',
    )
  }
  const description = models[name].describe(modelOptions, {
    features: featureCount(data, options),
    label: data.label,
    ...imageOf(data),
  })
  return {
    plan,
    label: data.label,
    preprocessing: options,
    model: description,
    parameters: parameterCount(description),
    statisticsLanes: [...statisticsLanes(data, 0), { name: 'heldOut', length: 1, bound: maxRows, kind: 'integer' }],
  }
}

/** The shape of the image, where a row is one and nothing else. */
function imageOf(schema: DataSchema): { readonly image?: readonly [number, number, number] } {
  const images = imageColumns(schema)
  if (images.length !== 1 || measuredColumns(schema).length > 0) return {}
  const [{ height, width, channels }] = images
  return { image: [height, width, channels] }
}

/** One site's part of the first round: statistics of its training rows alone, so that nothing held out leaks. */
export async function contributeStatistics({ plan }: Task, site: Site): Promise<Lanes> {
  let heldOutRows = 0
  async function* training() {
    for await (const part of splitParts(site, plan)) {
      heldOutRows += part.heldOut.rows
      yield part.training
    }
  }
  const sums = await sumBlocks(training(), 0)
  return { ...sums, heldOut: Float64Array.of(heldOutRows) }
}

/** @throws InputError ERR_DATA_EMPTY when no site has a row to train on. */
export function basisOf(task: Task, statistics: Float64Array): Basis {
  const sums = unpackLanes(task.statisticsLanes, statistics)
  const read = readStatistics(task.plan.data, sums, 0)
  if (read.rows < 1) throw new InputError('ERR_DATA_EMPTY', 'no site has a row to train on')
  return {
    preprocessing: preprocessing(task.plan.data, read, task.preprocessing),
    trainingRows: read.rows,
    heldOutRows: sums.heldOut[0],
  }
}
