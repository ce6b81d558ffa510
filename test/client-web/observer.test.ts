/** The observer's page in a real Chromium: a run watched live, an operator's word, and the states in which there is nothing to see. */

import { readdir } from 'node:fs/promises'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { launchChromium } from '../../bench/chromium.ts'
import { longRun } from '../../bench/long-run.ts'
import { type Told, toldCoordinator } from '../../bench/told-coordinator.ts'
import type { JournalEntry } from '../../protocol/journal/entries.ts'
import { alteringProxy, mark } from '../support/altering-proxy.ts'
import { endProcesses, enrolNode, federation, violations } from '../support/browser-federation.ts'
import { ofType } from '../support/hospitals.ts'

const contexts: BrowserContext[] = []
const cleanups: (() => Promise<unknown>)[] = []
let browser: Browser

beforeAll(async () => {
  browser = await launchChromium()
})
afterAll(() => browser.close())
afterEach(async () => {
  await Promise.all(contexts.splice(0).map((context) => context.close()))
  await Promise.all(cleanups.splice(0).map((clean) => clean()))
  await endProcesses()
})

/** A page whose faults, its policy's refusals with them, are collected. */
async function newPage(locale = 'en-GB') {
  const context = await browser.newContext({ locale, timezoneId: 'UTC' })
  contexts.push(context)
  const page = await context.newPage()
  const faults: string[] = []
  const foreign: string[] = []
  page.on('pageerror', (error) => faults.push(String(error)))
  page.on('console', (message) => {
    if (message.text().includes('Content Security Policy')) faults.push(message.text())
  })
  page.on('request', (request) => foreign.push(new URL(request.url()).origin))
  return { page, faults, origins: foreign }
}

async function signIn(page: Page, url: string, token: string): Promise<void> {
  await page.goto(url)
  await page.getByLabel('Token').fill(token)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('button', { name: 'Sign out' }).waitFor()
}

const status = (page: Page, text: string): Promise<void> =>
  page.getByTestId('run').getByRole('status').getByText(text, { exact: true }).waitFor()

test('an operator lets a site in, watches a run, pauses it, lets it go on and stops it; an observer sees the same and no button', async () => {
  const federated = await federation(2000)
  const operator = await newPage()
  await signIn(operator.page, federated.url, await federated.operatorToken())
  await operator.page.getByText('No site is in the roster.').waitFor()
  await operator.page.getByText('No run yet.').waitFor()
  expect(await violations(operator.page)).toEqual([])

  for (const name of ['university', 'heart-centre']) await enrolNode(federated, name)
  await enrolNode(federated, 'county', async (name, words) => {
    const { page } = operator
    await page.getByRole('heading', { name: `Waiting for your word: ${name}` }).waitFor()
    const said = page.getByLabel('The six words that the site reads out')
    await said.fill('six other words than the right')
    await page.getByRole('button', { name: 'Approve' }).click()
    await page.getByRole('alert').getByText('ERR_WORDS').waitFor()
    expect(await violations(page)).toEqual([])
    await said.fill(words)
    await page.getByRole('button', { name: 'Approve' }).click()
    await page.getByTestId('roster').getByRole('rowheader', { name }).waitFor()
  })
  const words = await federated.rosterWords()
  await operator.page.getByText(words).waitFor()
  for (const name of ['university', 'heart-centre']) await federated.accept(name, words)
  for (const name of ['university', 'heart-centre', 'county']) await federated.site(name).until(ofType('connected'))
  const run = federated.run()

  const observer = await newPage()
  await observer.page.goto(`${federated.url}/#${await federated.token('clinician', 'observer')}`)
  for (const { page } of [operator, observer]) {
    await page.getByRole('link', { name: 'hospitals' }).click()
    await status(page, 'running')
    await page.getByRole('img', { name: /^trainingLoss: first/ }).waitFor()
  }
  // The token is in no address that stays.
  expect(observer.page.url()).toMatch(/#[0-9a-f]{16}$/)
  expect(await observer.page.getByRole('button', { name: 'Pause' }).count()).toBe(0)
  expect(await observer.page.getByTestId('roster').count()).toBe(0)

  // What reads journals comes late; altered on its way it is not run.
  const altered = (await readdir('dist/web/assets')).filter((name) => /^codec-/.test(name))
  const adversary = await alteringProxy(federated.url, altered)
  const deceived = await newPage()
  await deceived.page.goto(`${adversary.url}/#${await federated.token('auditor', 'observer')}`)
  await deceived.page.getByRole('link', { name: 'hospitals' }).click()
  await deceived.page.getByRole('alert').getByText('ERR_INTEGRITY').waitFor()
  expect(await deceived.page.evaluate(`'${mark}' in globalThis`)).toBe(false)
  await deceived.page.close()
  await adversary.close()

  await operator.page.getByText('the journal of the run names the same.').waitFor()
  const spent = observer.page.getByRole('img', {
    name: /contributions [\d.]+ s, agreeing on who is in [\d.]+ s, opening the sum [\d.]+ s$/,
  })
  await spent.first().waitFor()
  const told = observer.page.getByTestId('sites').getByRole('row', { name: /^county/ })
  await told.getByText('connected', { exact: true }).waitFor()
  await told.getByText(/^concordat \d+\.\d+\.\d+, Node \d+wire 3$/).waitFor()

  await operator.page.getByRole('button', { name: 'Pause' }).click()
  for (const { page } of [operator, observer]) {
    await status(page, 'paused')
    await page.getByTestId('signed').getByText('3 of 3').waitFor()
    expect(await violations(page)).toEqual([])
  }
  const rested = run.lines.filter(ofType('round')).length
  await operator.page.getByRole('button', { name: 'Go on' }).click()
  await status(observer.page, 'running')
  await run.until(({ type, round }) => type === 'round' && Number(round) > rested)

  operator.page.once('dialog', (dialog) => void dialog.accept())
  await operator.page.getByRole('button', { name: 'Stop for good' }).click()
  for (const { page, faults, origins } of [operator, observer]) {
    await status(page, 'stopped')
    await page.getByText('the operator stopped the run').waitFor()
    expect(await page.getByRole('button', { name: 'Go on' }).count()).toBe(0)
    expect(faults).toEqual([])
    expect(new Set(origins)).toEqual(new Set([federated.url]))
  }
  // The tab comes back as it was: signed in, with the run that its address names.
  await observer.page.reload()
  await status(observer.page, 'stopped')
}, 180_000)

test('an operator refuses a site with a reason, which the site is told', async () => {
  const federated = await federation(1)
  const { page } = await newPage()
  await signIn(page, federated.url, await federated.operatorToken())
  const joining = federated.join('county', await federated.invite('county'))
  await page.getByRole('heading', { name: 'Waiting for your word: county' }).waitFor()
  await page.getByText('Refuse it instead').click()
  expect(await page.getByRole('button', { name: 'Refuse' }).isDisabled()).toBe(true)
  await page.getByLabel('Reason').fill('the contract is not signed')
  await page.getByRole('button', { name: 'Refuse' }).click()
  await page.getByRole('heading', { name: 'Waiting for your word: county' }).waitFor({ state: 'detached' })
  await page.getByText('No site is in the roster.').waitFor()
  const { code, stderr } = await joining.exited
  expect(code).toBe(3)
  expect(stderr).toContain('the contract is not signed')
})

test('a token that is not in force, a coordinator that is away and comes back: the page says what to do, in both languages', async () => {
  const federated = await federation(1)
  const { page } = await newPage('zh-CN')
  await page.goto(`${federated.url}/#${'0'.repeat(64)}`)
  await page.getByRole('alert').getByText('ERR_TOKEN').waitFor()
  await page.getByText('需要令牌').waitFor()
  expect(await page.locator('html').getAttribute('lang')).toBe('zh')
  expect(await violations(page)).toEqual([])
  await page.getByRole('combobox').selectOption('en')
  await page.getByLabel('Token').fill(await federated.token('clinician', 'observer'))
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByText('No run yet.').waitFor()
  await federated.stop()
  await page.getByText('The coordinator does not answer.').waitFor()
  expect(await violations(page)).toEqual([])
  await federated.again()
  await page.getByText('The coordinator does not answer.').waitFor({ state: 'detached' })
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.reload()
  await page.getByText('需要令牌').waitFor()
})

/** A page that is signed in on a coordinator of which everything is made up. */
async function watching(told: Told, locale?: string) {
  const coordinator = await toldCoordinator(told)
  cleanups.push(coordinator.close)
  const opened = await newPage(locale)
  await opened.page.goto(`${coordinator.url}/#${coordinator.token}`)
  return { ...opened, coordinator }
}

const hash = (round: number): string => round.toString(16).padStart(64, '0')

test('five hundred rounds of two hundred sites: what is drawn stays small, and no spike of a curve is lost', async () => {
  const { page, faults } = await watching({ role: 'observer', runs: [longRun(500, 200)] })
  await page.getByRole('link', { name: 'long' }).click()
  await page.getByRole('cell', { name: '499', exact: true }).waitFor()
  expect(await page.getByRole('region', { name: 'Rounds' }).locator('tbody tr').count()).toBe(12)
  expect(await page.locator('svg.timeline g').count()).toBeLessThanOrEqual(180)
  const curve = await page.locator('svg.chart path.curve').first().getAttribute('d')
  expect(curve?.split('C').length).toBeLessThanOrEqual(241)
  // The one round with a loss of 9 reaches the top of its chart.
  const heights = [...(curve ?? '').matchAll(/,([\d.]+)(?=[A-Z]|$)/g)].map(([, y]) => Number(y))
  expect(Math.min(...heights)).toBeLessThan(25)
  // Of all that is on the page.
  expect(await page.evaluate('document.querySelectorAll("*").length')).toBeLessThan(4000)
  const area = page.getByRole('img', { name: /^auc: first 0.5, latest 0.999, 95 %: 0.9789 – 0.9992$/ })
  expect((await area.locator('path.band').getAttribute('d'))?.length).toBeGreaterThan(1000)
  const loss = page.getByRole('img', { name: /^trainingLoss: first 1, latest 0.002$/ })
  expect(await loss.locator('path.band').getAttribute('d')).toBe('')
  await page.getByRole('button', { name: 'Older' }).click()
  await page.getByRole('cell', { name: '487', exact: true }).waitFor()
  await page.locator('summary').first().click()
  await page.getByText('site-000: ERR_SILENT said nothing for 60 s').first().waitFor()
  // On a telephone a wide table scrolls by itself, the page does not.
  await page.setViewportSize({ width: 360, height: 640 })
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360)
  expect(await violations(page)).toEqual([])
  expect(faults).toEqual([])
})

const journalled: readonly JournalEntry[] = [
  ...[{ type: 'plan' as const, name: 'heart', planHash: hash(1), session: hash(2), coordinator: hash(3) }],
  { type: 'roster', sites: ['county', 'university'].map((name, i) => ({ name, identity: hash(10 + i) })) },
  { type: 'pages', hash: hash(4) },
  { type: 'round-start', attempt: 65_536, purpose: 'statistics', startHash: hash(20) },
  {
    ...{ type: 'round', attempt: 65_536, startHash: hash(20), sumHash: hash(30), stateHash: hash(21) },
    ...{ participants: ['university'], absent: [{ site: 'county', code: 'ERR_LINK_LOST', reason: 'away' }] },
  },
  { type: 'round-start', attempt: 131_072, purpose: 'train', startHash: hash(21) },
  {
    ...{ type: 'round', attempt: 131_072, startHash: hash(21), sumHash: hash(31), stateHash: hash(22) },
    ...{ participants: ['county', 'university'], absent: [] },
  },
  {
    ...{ type: 'budget', attempt: 131_072, unit: 'record', mechanism: 'gaussian', epsilon: 0.5, delta: 1e-5 },
    ...{ events: [], releases: 2 },
  },
  { type: 'countersignature', site: 'university', index: 7, head: hash(5), signature: `${hash(6)}${hash(7)}` },
]

test('of a run before the coordinator was started again the journal tells: rounds, absentees, what was spent, who has signed, another build', async () => {
  const { page } = await watching({
    role: 'observer',
    runs: [{ id: 'ab'.repeat(8), name: 'heart', journal: journalled }],
    sites: [{ name: 'county' }, { name: 'university', link: 'away', heard: 1.7e12, version: 3, agent: 'concordat 9' }],
  })
  await page.getByRole('link', { name: 'heart' }).click()
  await page.getByRole('cell', { name: '14 Nov 2023, 22:13:20' }).first().waitFor()
  const rounds = page.getByRole('region', { name: 'Rounds' }).locator('tbody tr')
  await rounds.first().waitFor()
  expect(await rounds.locator('td').allInnerTexts()).toEqual([
    ...['1', 'train', '2', '–', '–', '–', '–', expect.any(String)],
    ...['0', 'statistics', '1', expect.stringContaining('county'), '–', '–', '–', expect.any(String)],
  ])
  await page.getByText('the journal has all rounds').waitFor()
  await page.getByText('A curve needs two rounds with figures.').waitFor()
  await page.getByText('ε 0.5000, δ 1.0e-5, a record').waitFor()
  const sites = page.getByTestId('sites').getByRole('row')
  expect((await sites.nth(1).innerText()).split('\t')).toEqual([
    ...['county', 'not seen yet', '–', '1 of 2', 'took part', '0 of 2'],
  ])
  expect(await sites.nth(2).innerText()).toMatch(
    /university\s+connection lost, may come back\s.*\sconcordat 9\s+wire 3\s+2 of 2\s+took part\s+2 of 2/s,
  )
  // These pages are not those that the run's coordinator has named.
  await page.getByRole('alert').getByText('the journal of the run names another build').waitFor()
  expect(await violations(page)).toEqual([])
})

test('a browser that lists a language as its system writes it gets dates all the same', async () => {
  const coordinator = await toldCoordinator({ role: 'observer', runs: [{ id: 'ab'.repeat(8), name: 'heart' }] })
  cleanups.push(coordinator.close)
  const { page, faults } = await newPage()
  await page.addInitScript("Object.defineProperty(navigator, 'languages', { value: ['en-US@posix', 'en-US'] })")
  await page.goto(`${coordinator.url}/#${coordinator.token}`)
  await page.getByRole('cell', { name: /^Nov 14, 2023/ }).waitFor()
  expect(faults).toEqual([])
})

test('in the dark, in Chinese, on a telephone: a long run, sites that wait, and every rule of WCAG kept', async () => {
  const waiting = [{ name: 'county', since: 1.7e12 }]
  const roster = () => ({ roster: { version: 1, words: 'six', sites: [] }, waiting, invites: [] })
  const told: Told = { role: 'operator', runs: [longRun(40, 12)], roster }
  const { page } = await watching(told, 'zh-CN')
  await page.emulateMedia({ colorScheme: 'dark' })
  await page.setViewportSize({ width: 360, height: 640 })
  await page.getByRole('link', { name: 'long' }).click()
  await page.getByRole('cell', { name: '39', exact: true }).waitFor()
  await page.getByText('等待您的决定: county').waitFor()
  await page.locator('summary').last().click()
  expect(await violations(page)).toEqual([])
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360)
})
