/** A mapping as the page shows it: what a survey suggests, what the plan asks for, and the YAML to keep. Fetched when needed. */

import { stringify } from 'yaml'
import { type Mapping, noMapping } from '../../learning/data/mapping.ts'
import { codesOf, planUnit, proposal } from '../../learning/data/proposal.ts'
import type { Survey } from '../../learning/data/survey.ts'
import { unitsLike } from '../../learning/data/units.ts'
import type { DataSchema } from '../../protocol/schema.ts'
import type { MappingView, WantedColumn } from './page-state.ts'

/** @param survey absent where the file fits */
export const mappingView = (mapping: Mapping, schema: DataSchema, survey: Survey | undefined): MappingView => ({
  value: mapping,
  proposed: survey === undefined ? mapping : proposal(survey, schema, mapping),
  yaml: mappingYaml(mapping),
  wanted: wantedColumns(schema),
})

/** For `concordat join --mapping`: only what it says. @returns undefined where it says nothing. */
function mappingYaml(mapping: Mapping): Blob | undefined {
  const silent = new Set(Object.values(noMapping).map((value) => JSON.stringify(value)))
  const said = Object.entries(mapping).filter(([, value]) => !silent.has(JSON.stringify(value)))
  return said.length === 0 ? undefined : new Blob([stringify(Object.fromEntries(said))], { type: 'application/yaml' })
}

function wantedColumns(schema: DataSchema): readonly WantedColumn[] {
  const { columns, label, patient } = schema
  const names = columns.filter(({ type }) => type !== 'ignore').map(({ name }) => name)
  if (label !== undefined) names.push(label.column)
  if (patient !== undefined) names.push(patient.column)
  return names.map((name) => {
    const unit = planUnit(schema, name)
    return { name, units: unit === undefined ? [] : unitsLike(unit), codes: codesOf(schema, name) }
  })
}
