import { spawn } from 'node:child_process'
import { mkdtemp, readFile, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, describe, expect, test } from 'vitest'
import { type LedgerFile, openLedger, readLedgerFile } from '../../client-node/ledger-file.ts'
import { openKeyFile } from '../../protocol/crypto/node/key-file.ts'
import { nodeProvider } from '../../protocol/crypto/node/provider.ts'
import type { Budget, Charge } from '../../protocol/privacy/ledger.ts'
import { Command } from '../../simulations/demo/processes.ts'

const charge = (attempt: number): Charge => ({
  ...{ session: 'aa', plan: 'heart', attempt, purpose: 'a round', unit: 'record' },
  events: [{ type: 'gaussian', noiseMultiplier: 20, sampling: { type: 'all' }, count: 1 }],
})

const open: LedgerFile[] = []
afterEach(async () => {
  for (const each of open.splice(0)) await each.close()
})

const freshFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'concordat-ledger-'))

async function identityIn(folder: string) {
  const { seed } = await openKeyFile(join(folder, 'identity.key'))
  return {
    publicKey: await nodeProvider.ed25519PublicKey(seed),
    sign: (message: Uint8Array) => nodeProvider.ed25519Sign(seed, message),
  }
}

async function ledgerIn(folder: string, budget?: Budget, now = () => Date.now()): Promise<LedgerFile> {
  const ledger = await openLedger({ folder, identity: await identityIn(folder), dataset: 'records', budget, now })
  open.push(ledger)
  return ledger
}

async function closeAll(): Promise<void> {
  for (const each of open.splice(0)) await each.close()
}

test('what was charged stands there when the ledger is opened again', async () => {
  const folder = await freshFolder()
  const first = await ledgerIn(folder)
  for (let attempt = 1; attempt <= 3; attempt++) await first.charge(charge(attempt))
  const { head } = first.ledger()
  await closeAll()
  expect((await ledgerIn(folder)).ledger().head).toEqual(head)
})

test('charges that come together are entered one after the other, and the cap holds for all of them', async () => {
  const folder = await freshFolder()
  const ledger = await ledgerIn(folder, { epsilon: 0.5, delta: 1e-5 })
  const outcomes = await Promise.allSettled(Array.from({ length: 12 }, (_, i) => ledger.charge(charge(i + 1))))
  const entered = outcomes.filter(({ status }) => status === 'fulfilled').length
  expect(entered).toBeGreaterThan(0)
  expect(entered).toBeLessThan(12)
  expect(ledger.ledger().head.entries).toBe(entered)
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'ERR_BUDGET' })
  }
})

test('a run is held against the cap as a whole, beside the charges of others, also when the ledger is opened again', async () => {
  const folder = await freshFolder()
  const budget = { epsilon: 0.5, delta: 1e-5 }
  const ledger = await ledgerIn(folder, budget)
  await ledger.charge(charge(1))
  const { events } = charge(1)
  const whole = { ...charge(2), events: events.map((event) => ({ ...event, count: 2 })) }
  const refused = expect.objectContaining({ code: 'ERR_BUDGET_PLAN' })
  for (const opened of [ledger, undefined]) {
    if (opened === undefined) await closeAll()
    const now = opened ?? (await ledgerIn(folder, budget))
    now.affords({ ...whole, session: 'another' })
    // Its own charge is part of the run.
    now.affords({ ...whole, events: events.map((event) => ({ ...event, count: 3 })) })
    expect(() => now.affords({ ...whole, events: events.map((event) => ({ ...event, count: 50 })) })).toThrow(refused)
  }
})

test('two agents on one ledger: the second is refused, and may work when the first has gone', async () => {
  const folder = await freshFolder()
  await ledgerIn(folder)
  await expect(ledgerIn(folder)).rejects.toMatchObject({ code: 'ERR_LEDGER_IN_USE' })
  await closeAll()
  await ledgerIn(folder)
})

describe('a ledger that was tampered with is refused', () => {
  const cases: [string, (folder: string) => Promise<unknown>][] = [
    ['shortened to its first line', (folder) => rewrite(folder, (lines) => lines.slice(0, 1))],
    [
      'cut in the middle of its last line',
      async (folder) => {
        const path = join(folder, 'ledger.jsonl')
        await truncate(path, (await readFile(path)).length - 20)
      },
    ],
    [
      'edited',
      (folder) => rewrite(folder, (lines) => lines.map((line) => line.replace('Multiplier":20', 'Multiplier":90'))),
    ],
    ['replaced by an empty one', (folder) => rewrite(folder, () => [])],
    ['its head gone', (folder) => writeFile(join(folder, 'ledger.head'), '')],
  ]
  test.each(cases)('%s', async (_, tamper) => {
    const folder = await freshFolder()
    const ledger = await ledgerIn(folder)
    for (let attempt = 1; attempt <= 3; attempt++) await ledger.charge(charge(attempt))
    await closeAll()
    await tamper(folder)
    await expect(ledgerIn(folder)).rejects.toMatchObject({ code: 'ERR_LEDGER' })
    // The command says so too.
    const shown = new Command('dist/concordat.js', ['ledger', '--folder', folder])
    expect(await shown.exited).toMatchObject({ code: 2, stderr: expect.stringContaining('ERR_LEDGER') })
  })

  async function rewrite(folder: string, change: (lines: string[]) => string[]): Promise<void> {
    const path = join(folder, 'ledger.jsonl')
    const lines = (await readFile(path, 'utf8')).trimEnd().split('\n')
    await writeFile(
      path,
      change(lines)
        .map((line) => `${line}\n`)
        .join(''),
    )
  }
})

test('a clock that was moved back is refused', async () => {
  const folder = await freshFolder()
  let now = 2_000_000_000_000
  const ledger = await ledgerIn(folder, undefined, () => now)
  await ledger.charge(charge(1))
  now -= 86_400_000
  await expect(ledger.charge(charge(2))).rejects.toMatchObject({ code: 'ERR_CLOCK' })
})

test('concordat ledger shows releases, unit and epsilon by data set and run', async () => {
  const folder = await freshFolder()
  const ledger = await ledgerIn(folder)
  for (let attempt = 1; attempt <= 4; attempt++) await ledger.charge(charge(attempt))
  // While an agent works with it. Four times rho 1/800: 0.4300 in the reference figures.
  const shown = new Command('dist/concordat.js', ['ledger', '--folder', folder, '--delta', '1e-6'])
  expect((await shown.exited).code).toBe(0)
  const loss = { releases: 4, unit: 'record', epsilon: expect.closeTo(0.43, 3) }
  expect(shown.lines[0]).toMatchObject({
    ...{ delta: 1e-6, entries: 4 },
    ...{ datasets: [{ dataset: 'records', ...loss }], runs: [{ plan: 'heart', ...loss }] },
  })
})

/** A process that charges, then says so: what it said it has "sent". */
const spender = `
import { writeSync } from 'node:fs'
import { openLedger } from './dist/client-node/ledger-file.js'
import { nodeProvider } from './dist/protocol/crypto/node/provider.js'
import { openKeyFile } from './dist/protocol/crypto/node/key-file.js'
const folder = process.argv[1]
const { seed } = await openKeyFile(folder + '/identity.key')
const identity = { publicKey: await nodeProvider.ed25519PublicKey(seed), sign: (m) => nodeProvider.ed25519Sign(seed, m) }
const ledger = await openLedger({ folder, identity, dataset: 'records', budget: undefined, now: () => Date.now() })
for (let attempt = ledger.ledger().head.entries + 1; ; attempt++) {
  await ledger.charge({ session: 'aa', plan: 'heart', attempt, purpose: 'a round', unit: 'record',
    events: [{ type: 'gaussian', noiseMultiplier: 20, sampling: { type: 'all' }, count: 1 }] })
  writeSync(1, attempt + '\\n')
}`

test('killed with kill -9 at any instant: what was sent was charged, and the next agent goes on', async () => {
  const folder = await freshFolder()
  const { publicKey } = await identityIn(folder)
  let charged = 0
  for (let life = 1; life <= 10; life++) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', spender, folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const sent: number[] = []
    const output = createInterface({ input: child.stdout })
    output.on('line', (line) => {
      sent.push(Number(line))
      // The signal meets the process somewhere in a later charge: another moment in every life.
      if (sent.length === 3 + (life % 4)) child.kill('SIGKILL')
    })
    const closed = new Promise<NodeJS.Signals | null>((resolve) => child.once('close', (_, signal) => resolve(signal)))
    const drained = new Promise((resolve) => output.once('close', resolve))
    expect(await closed).toBe('SIGKILL')
    await drained
    const { entries } = await readLedgerFile(folder, publicKey)
    const attempts = new Set(entries.map((entry) => entry.charge.attempt))
    expect(sent.length).toBeGreaterThanOrEqual(3)
    for (const attempt of sent) expect(attempts).toContain(attempt)
    // At most the one charge that was under way is there without having been sent.
    expect(entries.length - charged - sent.length).toBeLessThanOrEqual(1)
    expect(entries.length).toBeGreaterThanOrEqual(charged + sent.length)
    charged = entries.length
  }
})
