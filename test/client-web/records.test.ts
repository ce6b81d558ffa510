/** What a person brings to the page: a file that differs from the plan, and a folder of images; and the ways out of a run. */

import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PNG } from 'pngjs'
import { expect, test } from 'vitest'
import { parse as parseYaml, stringify } from 'yaml'
import * as z from 'zod'
import { csvFile } from '../../client-node/data/csv.ts'
import { planMenus } from '../../learning/computation.ts'
import { parseMapping } from '../../learning/data/mapping.ts'
import { decodeLog } from '../../protocol/journal/codec.ts'
import { parsePlanFile } from '../../protocol/plan.ts'
import { enrolNode, type Federation, federation, violations } from '../support/browser-federation.ts'
import { confirmRules, enrolBrowser, ready, saved, useBrowser } from '../support/browser-site.ts'
import { ofType } from '../support/hospitals.ts'

useBrowser()

const others = ['university', 'heart-centre', 'veterans'] as const

/** The hospital's file as another would keep it: names, units, codes and a sign for missing of its own, and the patients' names. */
const otherwise = (csv: string): string => {
  const [header, ...rows] = csv
    .trim()
    .split('\n')
    .map((line) => line.split(','))
  const [sex, pressure, cholesterol, disease] = ['sex', 'resting_pressure', 'cholesterol', 'disease'].map((name) =>
    header.indexOf(name),
  )
  const lines = rows.map((row, i) => {
    const own = [...row]
    own[sex] = row[sex].slice(0, 1).toUpperCase()
    own[cholesterol] = row[cholesterol] === '' ? '' : String(Number(row[cholesterol]) / 100)
    own[disease] = row[disease] === '1' ? 'sick' : 'healthy'
    if (i % 7 === 0) own[pressure] = '-9'
    return [...own, `Mrs Smith ${i}`].join(',')
  })
  const names = header.map((name) => ({ age: 'Alter', max_heart_rate: 'Max Heart Rate' })[name] ?? name)
  return [[...names, 'name'].join(','), ...lines].join('\n')
}

test('a file that differs is mapped in the page; then it pauses, comes back and leaves, and the journal says each', {
  timeout: 180_000,
}, async () => {
  const federated = await federation(400)
  for (const name of others) await enrolNode(federated, name)
  const { page, sent, faults } = await enrolBrowser(federated, 'county')
  const words = await federated.rosterWords()
  for (const name of others) await federated.accept(name, words)
  await Promise.all(others.map((name) => federated.site(name).until(ofType('connected'))))
  const wrong = join(federated.folder, 'wrong.csv')
  await writeFile(wrong, otherwise(await readFile(federated.file('county'), 'utf8')))
  await ready(page, wrong, true)
  const run = federated.run()

  // What does not fit is named, with its first place, and how to map it is offered.
  await page.getByText('The file does not fit the plan').waitFor()
  expect(await violations(page)).toEqual([])
  expect(await page.getByLabel('Your column for “max_heart_rate”').inputValue()).toBe('Max Heart Rate')
  expect(await page.getByLabel('Read past the other columns: Alter, name').isChecked()).toBe(true)
  expect(await page.getByLabel(/^“F” .* means/).inputValue()).toBe('female')
  expect(await page.getByText('wrong.csv:2').count()).toBeGreaterThan(0)
  await page.getByLabel('Your column for “age”').selectOption('Alter')
  await page.getByLabel('Unit of “cholesterol” in your file').selectOption('g/l')
  await page.getByLabel(/^“sick” .* means/).selectOption('1')
  await page.getByLabel(/^“healthy” .* means/).selectOption('0')
  await page.getByLabel(/^“-9” .* means/).selectOption('missing')
  // By keyboard alone.
  await page.getByRole('button', { name: 'Apply and check again' }).focus()
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: 'Agree and take part' }).waitFor()
  const [status] = await page.getByText('The file fits the plan').allInnerTexts()
  expect(await violations(page)).toEqual([])

  // The same mapping serves a Node site, which reads the same rows.
  const yaml = parseYaml(await saved(page, 'Download the mapping'))
  expect(yaml).toEqual({
    rename: { 'Max Heart Rate': 'max_heart_rate', Alter: 'age' },
    ignore: '*',
    units: { cholesterol: 'g/l' },
    categories: { sex: { F: 'female', M: 'male' }, disease: { sick: '1', healthy: '0' } },
    missing: ['-9'],
  })
  const { data } = parsePlanFile(await readFile(federated.plan, 'utf8'), planMenus).plan
  const { summary } = await csvFile(wrong).table({ schema: data, mapping: parseMapping(yaml, data) })
  expect(status).toContain(`: ${summary.rows} rows`)
  expect(summary.missing.resting_pressure).toBeGreaterThan(10)

  await page.getByRole('button', { name: 'Agree and take part' }).click()
  const including = (from: number) =>
    run.until(
      ({ type, round, sites }) => type === 'round' && Number(round) >= from && JSON.stringify(sites).includes('county'),
    )
  const first = await including(1)
  await page.getByRole('button', { name: 'Pause' }).click()
  const away = await run.until(
    ({ type, round, absent }) =>
      type === 'round' && Number(round) > Number(first.round) && JSON.stringify(absent).includes('county'),
  )
  // Also in a page that is opened anew, which has kept the file and how to read it.
  await page.reload()
  await page.getByText('Paused.').waitFor()
  await page.getByRole('button', { name: 'Go on' }).click()
  await including(Number(away.round) + 1)

  await page.getByText('Leave this study').click()
  await page.getByLabel('Reason, which the other sites can read').fill('consent was revoked')
  await page.getByRole('button', { name: 'Leave for good' }).click()
  await page.getByText('You have left this study').waitFor()
  const left = await run.until(({ type, site }) => type === 'left' && site === 'county')
  expect(left.reason).toBe('consent was revoked')
  await federated.wish('stop')
  // The same plan once more is refused by itself, with the reason that was given.
  const refused = await federated.run().until(({ type, site }) => type === 'declined' && site === 'county')
  expect([refused.code, refused.reason]).toEqual(['ERR_PLAN_REFUSED', 'consent was revoked'])
  const journal = await federated.journal()
  const entries = decodeLog(Buffer.from(journal)).entries.map(({ entry }) => entry)
  expect(entries).toContainEqual(
    expect.objectContaining({ type: 'withdrawal', site: 'county', reason: 'consent was revoked' }),
  )
  const absences = entries.filter((entry) => entry.type === 'round' && JSON.stringify(entry.absent).includes('county'))
  expect(absences.length).toBeGreaterThan(0)
  const gone = entries.findIndex(({ type }) => type === 'withdrawal')
  expect(entries.slice(gone).some((entry) => entry.type === 'round' && entry.participants.includes('county'))).toBe(
    false,
  )

  // What is kept in the page: receipts, ledger and the journal as the page followed it.
  const receipts = z
    .array(z.object({ round: z.number(), sha256: z.string() }))
    .parse(JSON.parse(await saved(page, 'Download the receipts')))
  const ledger = (await saved(page, 'Download the signed ledger')).trim().split('\n')
  expect(receipts.length).toBe(ledger.length)
  const chain = ledger.map((line) => z.object({ previous: z.string() }).parse(JSON.parse(line)).previous)
  expect(new Set(chain).size).toBe(ledger.length)
  const followed = await saved(page, /Download the journal/)
  expect(decodeLog(Buffer.from(followed)).entries.length).toBeGreaterThan(absences.length)
  expect(journal.startsWith(followed)).toBe(true)
  expect(await violations(page)).toEqual([])
  expect(faults).toEqual([])
  expect(sent.length).toBeGreaterThan(0)
  for (const request of sent) expect(request.postDataBuffer()?.includes('Smith') ?? false).toBe(false)
  expect(JSON.stringify(run.lines)).not.toContain('Smith')
})

/** Bright and dark pictures of a site, a folder a class. */
async function pictures(federation: Federation, site: string, seed: number): Promise<string> {
  const folder = join(federation.folder, `${site}-scans`)
  for (const [kind, base] of Object.entries({ bright: 160, dark: 30 })) {
    await mkdir(join(folder, kind), { recursive: true })
    for (let i = 0; i < 12; i++) {
      const picture = new PNG({ width: 8, height: 8 })
      for (let at = 0; at < picture.data.length; at++)
        picture.data[at] = at % 4 === 3 ? 255 : base + ((seed * 31 + i * 17 + at * 7) % 60)
      await writeFile(join(folder, kind, `${i}.png`), PNG.sync.write(picture))
    }
  }
  return folder
}

test('a folder of images trains beside Node sites, and the model answers on a form; no picture leaves the page', {
  timeout: 180_000,
}, async () => {
  const federated = await federation(1)
  for (const [i, name] of ['university', 'heart-centre', 'county'].entries())
    federated.give(name, await pictures(federated, name, i))
  for (const name of ['university', 'heart-centre']) await enrolNode(federated, name)
  const { page, sent, faults } = await enrolBrowser(federated, 'county')
  const words = await federated.rosterWords()
  for (const name of ['university', 'heart-centre']) await federated.accept(name, words)
  for (const name of ['university', 'heart-centre']) await federated.site(name).until(ofType('connected'))
  const plan = {
    ...{ concordat: 1, name: 'scans', rounds: 4, model: { name: 'mlp', hidden: [8] } },
    algorithm: { name: 'fed-avg', localEpochs: 4, batchSize: 4, optimiser: 'sgd', learningRate: 0.1 },
    data: {
      columns: [{ name: 'scan', type: 'image', height: 8, width: 8 }],
      label: { column: 'kind', type: 'class', classes: ['bright', 'dark'] },
    },
  }
  await writeFile(federated.plan, stringify(plan))
  await page.getByLabel('Allow models with more numbers').check()
  await confirmRules(page)
  await page.getByTestId('folder').setInputFiles(federated.file('county'))
  const run = federated.run()
  await page.getByRole('button', { name: 'Agree and take part' }).click()
  await run.until(ofType('finished'))
  await page.getByRole('heading', { name: 'The run is complete' }).waitFor()
  for (const [kind, other] of [
    ['bright', 'dark'],
    ['dark', 'bright'],
  ] as const) {
    await page.getByLabel('scan').setInputFiles(join(federated.file('county'), kind, '3.png'))
    await page.getByRole('button', { name: 'Ask the model' }).click()
    await page.getByText(`kind is ${kind}:`).waitFor()
    expect(await page.getByText(`kind is ${other}:`).count()).toBe(0)
  }
  expect(await violations(page)).toEqual([])
  expect(faults).toEqual([])
  const files = await Promise.all(
    ['bright', 'dark'].map((kind) => readFile(join(federated.file('county'), kind, '3.png'), 'latin1')),
  )
  for (const request of sent) {
    const body = request.postDataBuffer()?.toString('latin1') ?? ''
    expect(body.includes('\x89PNG')).toBe(false)
    // Nor the pixels, which stand behind the header.
    for (const file of files) expect(body.includes(file.slice(43, 75))).toBe(false)
  }
})

test('what privacy costs is shown before it is spent and after; a run that does not fit the limit for all studies is not begun', {
  timeout: 180_000,
}, async () => {
  const federated = await federation(8)
  const nodes = ['university', 'heart-centre', 'veterans'] as const
  for (const name of nodes) await enrolNode(federated, name)
  const { page, faults } = await enrolBrowser(federated, 'county')
  const words = await federated.rosterWords()
  for (const name of nodes) await federated.accept(name, words)
  await Promise.all(nodes.map((name) => federated.site(name).until(ofType('connected'))))
  const plan = parseYaml(await readFile(federated.plan, 'utf8'))
  const noise = { name: 'discrete-gaussian', unit: 'record', population: 600, clip: 0.25, epsilon: 2, delta: 1e-5 }
  const algorithm = { name: 'fed-sgd', learningRate: 2 }
  await writeFile(federated.plan, stringify({ ...plan, algorithm, privacy: noise }))

  await page.getByLabel('The most that one run may cost').fill('8')
  await page.getByLabel('The most that all studies together may cost').fill('2.5')
  await page.getByRole('button', { name: 'Confirm these rules' }).click()
  await page.getByTestId('file').setInputFiles(federated.file('county'))
  const run = federated.run()
  const most = page.getByText(
    /^This run at most: epsilon [\d.]+ \(delta 0.00001\) for each row\. Your limit for a run: 8\.$/,
  )
  await most.waitFor()
  const cost = Number(/epsilon ([\d.]+)/.exec(await most.innerText())?.[1])
  expect(cost).toBeGreaterThan(1)
  expect(cost).toBeLessThanOrEqual(2.1)
  await page.getByRole('button', { name: 'Agree and take part' }).click()
  await page.getByRole('heading', { name: 'The run is complete' }).waitFor()
  await run.until(ofType('finished'))
  const told = page.getByText(/^All studies together, in \d+ releases: epsilon/)
  const spent = await told.innerText()
  const [, releases, epsilon] = /in (\d+) releases: epsilon ([\d.]+)/.exec(spent) ?? []
  expect(Number(epsilon)).toBeGreaterThan(0.5)
  expect(Number(epsilon)).toBeLessThanOrEqual(cost)
  expect(spent).toContain('Your limit for all together: 2.5.')
  const ledger = await saved(page, 'Download the signed ledger')
  expect(ledger.trim().split('\n').length).toBe(Number(releases))

  // The same plan again, which was agreed to: it would pass the limit, and nothing of it leaves.
  const declined = await federated.run().until(({ type, site }) => type === 'declined' && site === 'county')
  expect(declined.code).toBe('ERR_BUDGET_PLAN')
  await page.getByText('ERR_BUDGET_PLAN').waitFor()
  expect(await told.innerText()).toBe(spent)
  expect(await saved(page, 'Download the signed ledger')).toBe(ledger)
  expect(faults).toEqual([])
})
