import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { rdpEpsilon } from '../../../protocol/privacy/accountants/rdp.ts'
import type { PrivacyEvent } from '../../../protocol/privacy/event.ts'
import {
  type Budget,
  type Charge,
  emptyLedger,
  epsilonOf,
  type Ledger,
  type LedgerEntry,
  lossOf,
  post,
  readLedger,
  withEntry,
} from '../../../protocol/privacy/ledger.ts'

const gaussian = (noiseMultiplier: number): PrivacyEvent => ({
  ...{ type: 'gaussian', noiseMultiplier, count: 1 },
  sampling: { type: 'all' },
})

const chargeOf = (events: readonly PrivacyEvent[], unit: Charge['unit'] = 'record'): Charge => ({
  ...{ session: 'aa', plan: 'heart', attempt: 1, purpose: 'training round 1 of 3', unit },
  events,
})

const posted = (ledger: Ledger, events: readonly PrivacyEvent[], budget?: Budget, dataset = 'records') =>
  post(ledger, { dataset, charge: chargeOf(events), budget, at: ledger.at + 1 })

const filled = (events: readonly PrivacyEvent[]): Ledger =>
  events.reduce((ledger, event) => withEntry(ledger, posted(ledger, [event])), emptyLedger)

/** A ledger's lines, with a signature that only says who wrote them. */
function linesOf(events: readonly PrivacyEvent[]): { readonly lines: string[]; readonly ledger: Ledger } {
  const lines: string[] = []
  let ledger = emptyLedger
  for (const event of events) {
    const entry = posted(ledger, [event])
    lines.push(JSON.stringify({ ...entry, signature: 'ours' }))
    ledger = withEntry(ledger, entry)
  }
  return { lines, ledger }
}

const ours = async (entry: LedgerEntry): Promise<boolean> => entry.signature === 'ours'
const noises = fc.array(fc.double({ min: 1, max: 30, noNaN: true }), { minLength: 1, maxLength: 8 })

test('epsilon is that of all releases together, whatever their order', () => {
  fc.assert(
    fc.property(noises, (zs) => {
      const events = zs.map(gaussian)
      const epsilon = epsilonOf(lossOf(filled(events), 'records'), 1e-5)
      expect(epsilon).toBeCloseTo(rdpEpsilon(events, 1e-5), 9)
      expect(epsilonOf(lossOf(filled(events.toReversed()), 'records'), 1e-5)).toBeCloseTo(epsilon, 9)
    }),
    { numRuns: 20, seed: 8 },
  )
})

test('releases are entered until the next would pass the cap; the refused one leaves no trace', () => {
  const budget = { epsilon: 2, delta: 1e-5 }
  let ledger = emptyLedger
  while (true) {
    try {
      ledger = withEntry(ledger, posted(ledger, [gaussian(8)], budget))
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_BUDGET', message: expect.stringContaining('the cap is 2') })
      break
    }
  }
  const events = Array.from({ length: ledger.head.entries }, () => gaussian(8))
  expect(events.length).toBeGreaterThan(3)
  expect(rdpEpsilon(events, 1e-5)).toBeLessThanOrEqual(2)
  expect(rdpEpsilon([...events, gaussian(8)], 1e-5)).toBeGreaterThan(2)
  // Another data set has its own budget, and less noise is refused sooner.
  expect(() => posted(ledger, [gaussian(8)], budget, 'others')).not.toThrow()
  expect(() => posted(emptyLedger, [gaussian(1)], budget)).toThrow(/ERR_BUDGET|would bring epsilon/)
})

test('what leaves without noise fits no cap, before or after', () => {
  const bare: PrivacyEvent = { type: 'unprotected', count: 1 }
  const budget = { epsilon: 1000, delta: 1e-5 }
  expect(() => posted(emptyLedger, [bare], budget)).toThrow('without noise')
  expect(() => posted(filled([bare]), [gaussian(100)], budget)).toThrow('without noise')
  expect(epsilonOf(lossOf(filled([bare]), 'records'), 1e-5)).toBe(Number.POSITIVE_INFINITY)
})

test('a sum of losses holds for the narrowest unit among them', () => {
  const units = (given: readonly Charge['unit'][]): Charge['unit'] => {
    const ledger = given.reduce<Ledger>(
      (so, unit) =>
        withEntry(so, post(so, { dataset: 'd', charge: chargeOf([gaussian(9)], unit), budget: undefined, at: 1 })),
      emptyLedger,
    )
    return lossOf(ledger, 'd').unit
  }
  expect(units(['site', 'site'])).toBe('site')
  expect(units(['site', 'patient'])).toBe('patient')
  expect(units(['patient', 'record', 'site'])).toBe('record')
  expect(units(['record', null])).toBeNull()
})

test('a clock moved back by an hour is refused, by some seconds not', () => {
  const ledger = withEntry(emptyLedger, { ...posted(emptyLedger, [gaussian(9)]), at: 10_000_000 })
  const at = (time: number) =>
    post(ledger, { dataset: 'records', charge: chargeOf([gaussian(9)]), budget: undefined, at: time })
  expect(() => at(10_000_000 - 3_600_000)).toThrow(expect.objectContaining({ code: 'ERR_CLOCK' }))
  expect(at(10_000_000 - 5_000).at).toBe(10_000_000)
})

describe('a ledger that is read', () => {
  test('says what the one that was written said', async () => {
    const { lines, ledger } = linesOf([gaussian(4), gaussian(5), gaussian(6)])
    expect((await readLedger(lines, ledger.head, ours)).ledger).toEqual(ledger)
    expect((await readLedger([], undefined, ours)).ledger).toEqual(emptyLedger)
  })

  test('may have one entry more than its head: the process died between the two', async () => {
    const { lines, ledger } = linesOf([gaussian(4), gaussian(5)])
    const before = filled([gaussian(4)]).head
    expect((await readLedger(lines, before, ours)).ledger).toEqual(ledger)
  })

  const { lines, ledger } = linesOf([gaussian(4), gaussian(5), gaussian(6)])
  test.each<[string, readonly string[]]>([
    ['shortened', lines.slice(0, 2)],
    ['emptied', []],
    ['without its first entry', lines.slice(1)],
    ['with two entries exchanged', [lines[1], lines[0], lines[2]]],
    ['with an entry twice', [lines[0], ...lines]],
    [
      'with more noise than there was',
      [lines[0], lines[1].replace('"noiseMultiplier":5', '"noiseMultiplier":50'), lines[2]],
    ],
    ['with an entry of somebody else', [lines[0], lines[1], lines[2].replace('ours', 'theirs')]],
    ['with half a line', [lines[0], lines[1].slice(0, 40), lines[2]]],
  ])('is refused %s', async (_, edited) => {
    await expect(readLedger(edited, ledger.head, ours)).rejects.toMatchObject({ code: 'ERR_LEDGER' })
  })

  test('is refused without its head', async () => {
    await expect(readLedger(lines, undefined, ours)).rejects.toMatchObject({ code: 'ERR_LEDGER' })
  })
})
