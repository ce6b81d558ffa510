/** What every store of a coordinator must keep, on SQLite as on PostgreSQL. */

import { afterEach, describe, expect, test } from 'vitest'
import type { NewRun, Store } from '../../coordinator/store/store.ts'

export interface StorePlace {
  /** Opens the store at this place; opened again after `close` it holds what was kept. */
  open(): Promise<Store>
  /** Opens it only to look at it, beside whoever works on it. */
  read(): Promise<Store>
  remove(): Promise<void>
}

const key = (digit: string): Uint8Array => new Uint8Array(32).fill(Number.parseInt(digit, 16))
const sites = ['1', '2', '3'].map((digit) => ({ name: `site-${digit}`, identity: key(digit) }))
const newRun = (digit: string): NewRun => ({
  ...{
    id: digit.repeat(16),
    plan: `concordat: 1 # ünïcode ${digit}\n`,
    nonce: key(digit),
    roster: 1,
    submitted: 1_764_000_000_000,
  },
})
const hash = (digit: string): string => digit.repeat(64)

export function storeContract(name: string, newPlace: () => Promise<StorePlace>): void {
  describe(`${name} keeps the contract of a store`, () => {
    let place: StorePlace | undefined
    let store: Store | undefined
    /** A store with one version of the roster and the runs of `digits`. */
    const opened = async (...digits: string[]): Promise<Store> => {
      place = await newPlace()
      store = await place.open()
      await store.addRoster(sites, 1)
      for (const digit of digits) await store.addRun(newRun(digit))
      return store
    }
    const again = async (): Promise<Store> => {
      if (place === undefined) throw new Error('open it first')
      await store?.close()
      store = await place.open()
      return store
    }
    afterEach(async () => {
      await store?.close()
      await place?.remove()
      store = place = undefined
    })

    test('runs come back whole, in the order they were submitted, after the store was closed', async () => {
      await opened('b', 'a', 'c')
      const runs = await (await again()).runs()
      expect(runs).toEqual(['b', 'a', 'c'].map((digit) => ({ ...newRun(digit), status: 'open', code: '', reason: '' })))
    })

    test('the acts of enrolment come back in order, and a place is taken once', async () => {
      const first = await opened()
      await first.appendRegistry(0, '{"a":1}')
      await first.appendRegistry(1, '{"b":2}')
      await expect(first.appendRegistry(1, '{"c":3}')).rejects.toMatchObject({ code: 'ERR_STORE' })
      expect(await (await again()).registry()).toEqual(['{"a":1}', '{"b":2}'])
    })

    test("a run's status and its reason are kept, and nobody else's is touched", async () => {
      const first = await opened('a', 'b')
      await first.setStatus('a'.repeat(16), 'failed', { code: 'ERR_QUORUM', reason: "the plan's" })
      const runs = await (await again()).runs()
      expect(runs.map(({ status, code, reason }) => ({ status, code, reason }))).toEqual([
        { status: 'failed', code: 'ERR_QUORUM', reason: "the plan's" },
        { status: 'open', code: '', reason: '' },
      ])
    })

    test('a run cannot be added twice', async () => {
      const first = await opened('a')
      await expect(first.addRun(newRun('a'))).rejects.toMatchObject({ code: 'ERR_STORE' })
      expect(await first.runs()).toHaveLength(1)
    })

    test('journals keep their lines in order, each run its own', async () => {
      const [a, b] = ['a', 'b'].map((digit) => digit.repeat(16))
      const first = await opened('a', 'b')
      for (let place = 0; place < 12; place++) await first.append(a, place, `{"entry":${place}}`)
      await first.append(b, 0, '{}')
      const second = await again()
      expect(await second.journal(a)).toEqual(Array.from({ length: 12 }, (_, place) => `{"entry":${place}}`))
      await second.clearJournal(a)
      expect([await second.journal(a), await second.journal(b)]).toEqual([[], ['{}']])
    })

    test('a place in a journal is taken once: a second writer is refused and the first line stays', async () => {
      const run = 'a'.repeat(16)
      const first = await opened('a')
      await first.append(run, 0, 'mine')
      await expect(first.append(run, 0, 'other')).rejects.toMatchObject({ code: 'ERR_STORE' })
      expect(await first.journal(run)).toEqual(['mine'])
    })

    test('versions of the roster are numbered from one and never lost', async () => {
      const first = await opened()
      const second = sites.toReversed().toSpliced(0, 1, { name: 'new', identity: key('9') })
      expect((await first.addRoster(second, 2)).version).toBe(2)
      const versions = await (await again()).rosters()
      expect(versions.map(({ version }) => version)).toEqual([1, 2])
      expect(versions[0].sites).toEqual(sites)
      expect(versions[1].sites.map(({ name }) => name)).toEqual(['site-1', 'site-2', 'new'])
    })

    test('whoever only reads sees what is kept while another works on it, and can change nothing', async () => {
      const working = await opened('a')
      const reading = await place?.read()
      await working.append('a'.repeat(16), 0, 'a line')
      expect(await reading?.journal('a'.repeat(16))).toEqual(['a line'])
      await expect(reading?.append('a'.repeat(16), 1, 'another')).rejects.toMatchObject({ code: 'ERR_STORE' })
      await expect(reading?.addRoster(sites, 2)).rejects.toMatchObject({ code: 'ERR_STORE' })
      await reading?.close()
      expect(await working.journal('a'.repeat(16))).toEqual(['a line'])
    })

    test('a run needs the blobs it asked for last; older ones are named for removal once', async () => {
      const run = 'a'.repeat(16)
      const first = await opened('a')
      for (const digit of ['1', '2', '3']) expect(await first.keep(run, hash(digit), 3)).toEqual([])
      expect(await first.keep(run, hash('1'), 3)).toEqual([])
      expect(await first.needed(run)).toEqual([hash('2'), hash('3'), hash('1')])
      // 1 was asked for anew, so 2 is the oldest now.
      expect(await first.keep(run, hash('4'), 3)).toEqual([hash('2')])
      const second = await again()
      expect((await second.trim(run, 1)).toSorted()).toEqual([hash('1'), hash('3')])
      expect(await second.trim(run, 1)).toEqual([])
    })

    test('a blob that another run needs is not named for removal', async () => {
      const [a, b] = ['a', 'b'].map((digit) => digit.repeat(16))
      const first = await opened('a', 'b')
      await first.keep(a, hash('1'), 1)
      await first.keep(b, hash('1'), 1)
      expect(await first.keep(a, hash('2'), 1)).toEqual([])
      expect(await first.keep(b, hash('3'), 1)).toEqual([hash('1')])
    })

    test('a second coordinator is turned away while the first holds the store, and let in afterwards', async () => {
      await opened('a')
      await expect(place?.open()).rejects.toMatchObject({
        code: 'ERR_STORE',
        message: expect.stringContaining('another coordinator'),
      })
      expect(await (await again()).runs()).toHaveLength(1)
    })
  })
}
