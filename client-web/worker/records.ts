/** The chosen file against a plan: read in this worker, and where it does not fit, with a mapping that a person makes. */

import type { Site } from '../../learning/algorithms/site.ts'
import { mappingFor, noMapping, parseMapping } from '../../learning/data/mapping.ts'
import type { DataSource, ReadProgress } from '../../learning/data/source.ts'
import { fits, type Survey } from '../../learning/data/survey.ts'
import { InputError } from '../../protocol/errors.ts'
import type { Records } from '../../protocol/participant/shell.ts'
import type { Plan } from '../../protocol/plan.ts'
import type { DataSchema } from '../../protocol/schema.ts'
import { openPicked } from '../data/index.ts'
import { columnViews } from './columns.ts'
import { type Chosen, type Home, random } from './home.ts'
import type { FileView, MappingView, Picked } from './page-state.ts'
import { show } from './showing.ts'
import { trainer } from './trainer.ts'

type Check = FileView['check']

export async function choose(home: Home, picked: Picked, remember: boolean): Promise<void> {
  await keep(home, { picked, mapping: noMapping, remember })
  showFile(home, { state: 'waiting' })
  // Whoever has declined for want of a file, or for another one, is offered the plans again.
  home.agent?.again()
}

/** Takes what a person said of the file. The coordinator is asked again only once the file fits. */
export async function map(home: Home, said: unknown): Promise<void> {
  const { chosen, schema } = home
  if (chosen === undefined || schema === undefined) return
  const mapping = parseMapping(said, schema)
  await keep(home, { ...chosen, mapping })
  const source = await openPicked(chosen.picked)
  const survey = await source.survey({ schema, mapping, progress: reading(home) })
  if (!fits(survey)) return showMisfit(home, schema, survey)
  showFile(home, { state: 'waiting' })
  home.agent?.again()
}

/** The rows for a plan. @throws InputError ERR_NO_FILE, and what does not fit. */
export async function openRecords(home: Home, plan: Plan): Promise<Records<Site>> {
  const { chosen, site } = home
  const schema = plan.data
  home.schema = schema
  if (chosen === undefined) throw new InputError('ERR_NO_FILE', 'expected a file with records; choose one')
  let source: DataSource | undefined
  try {
    // A mapping made for another plan may speak of columns that this one does not have.
    const request = { schema, mapping: mappingFor(schema, chosen.mapping), progress: reading(home) }
    source = await openPicked(chosen.picked)
    const { table, summary } = await source.table(request)
    const { rows, skipped } = summary
    await showChecked(home, schema, { state: 'fits', rows, skipped, columns: columnViews(table) })
    return { site: { name: site.name, table, trainer, random }, rows: table.rows }
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    await showMisfit(home, schema, (await surveyed(home, source, schema)) ?? unreadable(error))
    throw error
  }
}

/** @param mapping once it can be said what the plan asks for */
export function showFile({ chosen }: Home, check: Check, mapping?: MappingView): void {
  if (chosen === undefined) return
  const { name, files } = chosen.picked
  const bytes = files.reduce((sum, { file }) => sum + file.size, 0)
  show({ file: { name, bytes, files: files.length, check, mapping } })
}

/** With the mapping as it is and, where a survey found differences, as it might be. */
async function showChecked(home: Home, schema: DataSchema, check: Check): Promise<void> {
  const { mappingView } = await import('./mapping-view.ts')
  const survey = check.state === 'misfit' ? check.survey : undefined
  showFile(home, check, mappingView(home.chosen?.mapping ?? noMapping, schema, survey))
}

async function keep(home: Home, chosen: Chosen): Promise<void> {
  const { picked, mapping, remember } = chosen
  home.chosen = chosen
  if (remember) await home.store.put('file', { picked, mapping })
  else await home.store.remove('file')
}

const reading =
  (home: Home) =>
  ({ bytes, total }: ReadProgress): void =>
    showFile(home, { state: 'reading', share: total === undefined ? 0 : bytes / total })

/** Everything that does not fit, where the source could be opened at all. */
async function surveyed(home: Home, source: DataSource | undefined, schema: DataSchema): Promise<Survey | undefined> {
  if (source === undefined || home.chosen === undefined) return undefined
  return source.survey({ schema, mapping: mappingFor(schema, home.chosen.mapping), progress: reading(home) })
}

const unreadable = ({ code, message }: InputError): Survey => ({
  ...{ names: [], absent: [], unknown: [], misfits: [] },
  fault: { code, reason: message },
})

/** With the first of what does not fit as the reason, in the words of a reading that stops there. */
function showMisfit(home: Home, schema: DataSchema, survey: Survey): Promise<void> {
  const [first] = survey.misfits
  const { code, reason } = survey.fault ?? {
    code: first?.code ?? (survey.absent.length > 0 ? 'ERR_DATA_COLUMN_MISSING' : 'ERR_DATA_COLUMN_UNKNOWN'),
    reason: first?.first ?? '',
  }
  return showChecked(home, schema, { state: 'misfit', code, reason, survey })
}
