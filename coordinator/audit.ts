/** An audit of the coordinator's own store: what its runs say of themselves, held against their plans, keys and blobs. */

import { type AuditVerdict, audit } from '../learning/audit.ts'
import { planMenus } from '../learning/computation.ts'
import { toHex, utf8 } from '../protocol/bytes.ts'
import { nodeProvider } from '../protocol/crypto/node/provider.ts'
import { InputError, ProtocolError } from '../protocol/errors.ts'
import { decodeLog } from '../protocol/journal/codec.ts'
import type { SealedEntry } from '../protocol/journal/entries.ts'
import { type Plan, parsePlanFile, planHash } from '../protocol/plan.ts'
import { openSession } from '../protocol/secagg/session.ts'
import type { RosterEntry } from '../protocol/wire/messages.ts'
import { journalText } from './journal.ts'
import { readBlob } from './run-blobs.ts'
import type { Blobs } from './store/blobs/blobs.ts'
import type { Store, StoredRun } from './store/store.ts'

export interface StoreAudit {
  readonly store: Store
  readonly blobs: Blobs
  /** The coordinator's key. */
  readonly coordinator: Uint8Array
}

export interface RunAudit {
  readonly id: string
  /** The plan's name; empty where the plan cannot be read. */
  readonly name: string
  readonly status: StoredRun['status']
  readonly entries: number
  readonly verdict: AuditVerdict | 'not begun'
}

/** Each run, or the one of this id, in the order they were submitted. @throws InputError ERR_RUN, ERR_STORE */
export async function auditRuns(parts: StoreAudit, id: string | undefined): Promise<readonly RunAudit[]> {
  const runs = await parts.store.runs()
  const meant = runs.filter((run) => id === undefined || run.id === id)
  if (id !== undefined && meant.length === 0) throw new InputError('ERR_RUN', `there is no run ${id} in this store`)
  const rosters = new Map((await parts.store.rosters()).map(({ version, sites }) => [version, sites]))
  const audits: RunAudit[] = []
  for (const run of meant) audits.push(await auditRun(parts, run, rosters.get(run.roster) ?? []))
  return audits
}

async function auditRun(parts: StoreAudit, run: StoredRun, sites: readonly RosterEntry[]): Promise<RunAudit> {
  const { id, status } = run
  let about = { id, name: '', status, entries: 0 }
  try {
    const { plan } = parsePlanFile(run.plan, planMenus)
    about = { ...about, name: plan.name }
    const snapshot = await snapshotOf(parts, id)
    about = { ...about, entries: snapshot.entries.length }
    if (snapshot.entries.length === 0 && status !== 'finished') return { ...about, verdict: 'not begun' }
    return { ...about, verdict: await verdictOn(parts, { run, plan, sites, ...snapshot }) }
  } catch (error) {
    if (!(error instanceof ProtocolError || error instanceof InputError)) throw error
    return { ...about, verdict: { ok: false, index: about.entries, reason: error.message } }
  }
}

interface Snapshot {
  readonly entries: readonly SealedEntry[]
  /** The bytes of the state that its last round led to, where they are there. */
  readonly last: { readonly hash: string; readonly state: Uint8Array } | undefined
}

/** A run that goes on lets old states go: the journal is read again until its last state is still there, or it has not grown. */
async function snapshotOf({ store, blobs }: StoreAudit, id: string): Promise<Snapshot> {
  for (let length = -1; ; ) {
    const { entries } = decodeLog(utf8(await journalText(store, id)))
    const hash = entries.flatMap(({ entry }) => (entry.type === 'round' ? [entry.stateHash] : [])).at(-1)
    const state = hash === undefined ? undefined : await keptBlob(blobs, hash)
    if (hash === undefined || state !== undefined || entries.length === length)
      return { entries, last: hash === undefined || state === undefined ? undefined : { hash, state } }
    length = entries.length
  }
}

/** `undefined` also where it is let go while it is read. */
async function keptBlob(blobs: Blobs, hash: string): Promise<Uint8Array | undefined> {
  try {
    return await readBlob(blobs, hash)
  } catch (error) {
    if ((await blobs.size(hash)) === undefined) return undefined
    throw error
  }
}

interface Kept extends Snapshot {
  readonly run: StoredRun
  readonly plan: Plan
  readonly sites: readonly RosterEntry[]
}

async function verdictOn({ store, blobs, coordinator }: StoreAudit, kept: Kept): Promise<AuditVerdict> {
  const { run, plan, sites, entries, last } = kept
  const verdict = await audit({
    ...{ plan, entries, keys: { coordinator, roster: sites }, provider: nodeProvider },
    sum: (hash) => keptBlob(blobs, hash),
    published: async (hash) => (hash === last?.hash ? last.state : keptBlob(blobs, hash)),
  })
  if (!verdict.ok) return verdict
  const parts = { planHash: planHash(plan), roster: sites, rules: plan, nonce: run.nonce, coordinator }
  const session = toHex((await openSession(nodeProvider, parts)).id)
  if (verdict.session !== session) return { ok: false, index: 0, reason: 'it is the journal of another session' }
  if (run.status === 'finished' && !verdict.finished)
    return { ok: false, index: entries.length, reason: 'the run has finished, and its journal has no end' }
  const lost = await lostBlob({ store, blobs }, run.id, entries)
  return lost === undefined ? verdict : { ok: false, ...lost }
}

/** Sums and states of committed rounds that the run still needs are there, whole. */
async function lostBlob(
  { store, blobs }: Pick<StoreAudit, 'store' | 'blobs'>,
  id: string,
  entries: readonly SealedEntry[],
): Promise<{ readonly index: number; readonly reason: string } | undefined> {
  const published = new Map<string, number>()
  for (const { index, entry } of entries)
    if (entry.type === 'round') for (const hash of [entry.sumHash, entry.stateHash]) published.set(hash, index)
  for (const hash of await store.needed(id)) {
    const index = published.get(hash)
    if (index === undefined || (await keptBlob(blobs, hash)) !== undefined) continue
    // A run that is under way may need it no more by now.
    if ((await store.needed(id)).includes(hash)) return { index, reason: `the blob ${hash} is not in the store` }
  }
  return undefined
}
