import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { csvFeed } from '../../../learning/data/csv.ts'
import { sourceOf } from '../../../learning/data/feed.ts'
import { mappingFor, noMapping, parseMapping } from '../../../learning/data/mapping.ts'
import { proposal } from '../../../learning/data/proposal.ts'
import { fits } from '../../../learning/data/survey.ts'
import { unitsLike } from '../../../learning/data/units.ts'
import { dataSchema } from '../../../protocol/schema.ts'

const schema = dataSchema.parse({
  columns: [
    { name: 'age', type: 'number', unit: 'years', range: [18, 100], integer: true },
    { name: 'height', type: 'number', unit: 'cm', range: [100, 230] },
    { name: 'chest_pain', type: 'category', categories: ['typical', 'none'] },
  ],
  label: { column: 'ill', type: 'binary', positive: ['1'], negative: ['0'] },
})

const sourceOfText = (text: string) =>
  sourceOf('some.csv', (request, begin) => csvFeed({ name: 'some.csv', chunks: once(text) })(request, begin))

async function* once(text: string) {
  yield text
}

const survey = (text: string, mapping: unknown = {}) =>
  sourceOfText(text).survey({ schema, mapping: parseMapping(mapping, schema) })

const header = 'age,height,chest_pain,ill'

describe('a survey', () => {
  test('of a source that fits finds nothing, and reads what the table reads', async () => {
    const found = await survey(`${header}\n50,170,typical,1\n60,,none,0\n`)
    expect(found).toEqual({ names: header.split(','), absent: [], unknown: [], misfits: [], fault: undefined })
    expect(fits(found)).toBe(true)
  })

  test('names every column and every value that does not fit, with how often and the first place', async () => {
    const found = await survey(`AGE,height,chest_pain,ill,note\n50,1.7,TYP,yes,a\n60,1.8,TYP,no,b\n70,n/a,none,no,c\n`)
    expect(found.absent).toEqual(['age'])
    expect(found.unknown).toEqual(['AGE', 'note'])
    expect(found.misfits).toMatchObject([
      { column: 'ill', code: 'ERR_DATA_CATEGORY', count: 3, values: [{ value: 'no', count: 2 }, { value: 'yes' }] },
      { column: 'height', code: 'ERR_DATA_RANGE', count: 2, first: expect.stringContaining('some.csv:2:4') },
      { column: 'height', code: 'ERR_DATA_NUMBER', count: 1, values: [{ value: 'n/a' }] },
      { column: 'chest_pain', code: 'ERR_DATA_CATEGORY', values: [{ value: 'TYP', count: 2 }] },
    ])
  })

  test('says what no mapping mends: a record that is broken', async () => {
    const found = await survey(`${header}\n50,170,typical,1\n60,170,none\n`)
    expect(found.fault).toMatchObject({ code: 'ERR_CSV_FIELDS', reason: expect.stringContaining('some.csv:3') })
    expect(fits(found)).toBe(false)
  })

  test('of a label that never varies offers to say so', async () => {
    const text = `${header}\n50,170,typical,1\n60,180,none,1\n`
    expect((await survey(text)).misfits).toMatchObject([{ column: 'ill', code: 'ERR_DATA_LABEL_ONE_CLASS' }])
    expect(fits(await survey(text, { oneClass: true }))).toBe(true)
  })

  test('fits exactly where the table can be read', async () => {
    const field = fc.constantFrom('50', '170', '', 'x', '-9', '999', 'typical', 'TYPICAL', '0', '1')
    const rows = fc.array(fc.tuple(field, field, field, field), { minLength: 1, maxLength: 6 })
    const names = fc.constantFrom(header, 'age,height,ill,chest_pain', 'age,height,chest_pain,Ill', `${header}`)
    const mapping = fc.constantFrom(
      {},
      { missing: ['-9', '999', 'x'] },
      { oneClass: true, units: { height: 'mm' } },
      { categories: { chest_pain: { TYPICAL: 'typical', x: 'none' }, ill: { x: '0' } } },
    )
    await fc.assert(
      fc.asyncProperty(names, rows, mapping, async (first, records, mapped) => {
        const text = [first, ...records.map((record) => record.join(','))].join('\n')
        const read = await sourceOfText(text)
          .table({ schema, mapping: parseMapping(mapped, schema) })
          .then(
            () => true,
            () => false,
          )
        expect(fits(await survey(text, mapped))).toBe(read)
      }),
      { numRuns: 300, seed: 7 },
    )
  })
})

describe('a proposal', () => {
  const proposed = async (text: string, mapping: unknown = {}) =>
    proposal(await survey(text, mapping), schema, parseMapping(mapping, schema))

  test('names the nearest columns and codes, what means missing, and what is read past; then the file fits', async () => {
    const text = 'Age;Heigth;chest pain;ill;note\n50;170,5;T;1;a\n60;n/a;NONE;0;b\n'
    const layout = await proposed(text)
    expect(layout.format).toEqual({ delimiter: ';' })
    const names = await proposed(text, { format: layout.format })
    expect(names.rename).toEqual({ Age: 'age', Heigth: 'height', 'chest pain': 'chest_pain' })
    expect(names.ignore).toBe('*')
    const codes = await proposed(text, names)
    expect(codes.format).toEqual({ delimiter: ';', decimal: ',' })
    expect(codes.categories).toEqual({ chest_pain: { T: 'typical', NONE: 'none' } })
    expect(codes.missing).toEqual(['n/a'])
    expect(fits(await survey(text, codes))).toBe(true)
  })

  test('guesses no number: a code that could be two, or a figure, is left to the person', async () => {
    const { categories, missing } = await proposed(`${header}\n-9,170,4,2\n60,180,none,0\n`)
    expect([categories, missing]).toEqual([{}, []])
  })
})

test('the units of one dimension are offered, no other', () => {
  expect(unitsLike('cm')).toEqual(expect.arrayContaining(['cm', 'm', 'in']))
  expect(unitsLike('cm')).not.toContain('kg')
  for (const unit of unitsLike('mmol/l')) expect(unitsLike(unit)).toContain('mmol/l')
})

test('a mapping for rows without a label says nothing of the label', () => {
  const mapping = parseMapping(
    { rename: { diagnosis: 'ill', Age: 'age' }, categories: { ill: { yes: '1' } }, units: { height: 'in' } },
    schema,
  )
  const { label: _, ...unlabelled } = schema
  const left = mappingFor(unlabelled, mapping)
  expect(left).toEqual({ ...noMapping, rename: { Age: 'age' }, units: { height: 'in' } })
  expect(() => parseMapping(left, unlabelled)).not.toThrow()
})
