/** The model at the end of a run, used here in the page: on rows of a file, or on a form. */

import { type ModelFile, openModel, outputColumns, parseModel, predict } from '../../learning/algorithms/model-file.ts'
import { sourceOf } from '../../learning/data/feed.ts'
import { fitImage, PictureError } from '../../learning/data/image.ts'
import { mappingFor, noMapping } from '../../learning/data/mapping.ts'
import { InputError } from '../../protocol/errors.ts'
import type { Column, DataSchema, ImageColumn } from '../../protocol/schema.ts'
import { openPicked } from '../data/index.ts'
import type { Home } from './home.ts'
import type { Forecast, FormField, FormView, Picked } from './page-state.ts'
import { show } from './showing.ts'
import { trainer } from './trainer.ts'

export function takeResult(home: Home, result: unknown): void {
  home.model = modelOf(result)
  const file = new Blob([`${JSON.stringify(result, null, 2)}\n`], { type: 'application/json' })
  const form = home.model && formOf(home.model)
  show({ phase: 'finished', doing: undefined, result: { file, form } })
}

/** Rows that are in memory at once. */
const rowsAtOnce = 16_384

export async function applyModel({ model, chosen }: Home, picked: Picked): Promise<void> {
  if (model === undefined) throw new Error('predictions without a model')
  const schema = unlabelled(model.data)
  const request = { schema, mapping: mappingFor(schema, chosen?.mapping ?? noMapping) }
  const names = outputColumns(model)
  const text = [`${names.join(',')}\n`]
  let rows = 0
  const open = await openModel(model, trainer)
  try {
    for await (const block of (await openPicked(picked)).blocks(request, rowsAtOnce)) {
      const outputs = await open.predict(block)
      for (let row = 0; row < block.rows; row++)
        text.push(`${outputs.subarray(row * names.length, (row + 1) * names.length).join(',')}\n`)
      rows += block.rows
    }
  } finally {
    open.dispose()
  }
  show({ predictions: { rows, file: new Blob(text, { type: 'text/csv' }) } })
}

/** One case as a person filled it in, read and checked as a row of a file is. */
export async function foretell({ model }: Home, values: Readonly<Record<string, string | File>>): Promise<void> {
  if (model === undefined) throw new Error('a forecast without a model')
  const schema = unlabelled(model.data)
  const columns = schema.columns.filter(({ type }) => type !== 'ignore')
  const cells = await Promise.all(columns.map((column) => cellOf(column, values[column.name] ?? '')))
  const source = sourceOf('form', async function* (_, begin) {
    await begin({ source: 'form', names: columns.map(({ name }) => name) }).addBlock({
      rows: 1,
      cells: async (field) => [cells[field]],
      place: () => ({ fault: (_field, code, message) => new InputError(code, message) }),
    })
    yield { bytes: 1 }
    return undefined
  })
  const { table } = await source.table({ schema })
  show({ forecast: forecastOf(model, await predict(model, table, trainer)) })
}

/** What a computation ends with need not be a model: statistics are none. */
function modelOf(result: unknown): ModelFile | undefined {
  const isModel = typeof result === 'object' && result !== null && 'kind' in result && result.kind === 'model'
  return isModel ? parseModel(result) : undefined
}

/** Rows to predict have no label, and it does not matter whose they are. */
const unlabelled = ({ label: _, patient: __, ...schema }: DataSchema): DataSchema => schema

const formOf = ({ data }: ModelFile): FormView => ({
  fields: data.columns.flatMap(fieldOf),
  label: data.label?.column ?? 'prediction',
})

function fieldOf(column: Column): FormField[] {
  const { name } = column
  switch (column.type) {
    case 'number':
      return [{ kind: 'number', name, unit: column.unit, range: column.range, integer: column.integer }]
    case 'category':
      return [{ kind: 'category', name, codes: column.categories }]
    case 'image':
      return [{ kind: 'image', name }]
    case 'ignore':
      return []
  }
}

async function cellOf(column: Column, value: string | File): Promise<string | number | Uint8Array | null> {
  if (column.type === 'image') return pictureOf(column, value)
  if (typeof value !== 'string' || value === '') return null
  return column.type === 'number' ? Number(value) : value
}

async function pictureOf(column: ImageColumn, value: string | File): Promise<Uint8Array> {
  if (typeof value === 'string') throw new InputError('ERR_DATA_IMAGE', `"${column.name}": expected a picture`)
  const { decodePicture } = await import('../../learning/data/pictures/picture-file.ts')
  try {
    return fitImage(decodePicture(new Uint8Array(await value.arrayBuffer())), column)
  } catch (error) {
    if (error instanceof PictureError) throw new InputError('ERR_DATA_IMAGE', error.message, value.name)
    throw error
  }
}

function forecastOf({ data: { label } }: ModelFile, outputs: Float32Array): Forecast {
  if (label?.type === 'class')
    return { kind: 'class', shares: label.classes.map((code, i) => ({ code, share: outputs[i] })) }
  if (label?.type !== 'binary') return { kind: 'number', value: outputs[0], unit: label?.unit }
  const share = outputs[0]
  return {
    kind: 'class',
    shares: [
      { code: label.positive.join(', '), share },
      { code: label.negative.join(', '), share: 1 - share },
    ],
  }
}
