/** The entries of a run's journal: what every party of the run may read, years later, about what happened. */

import * as z from 'zod'
import { eventSchema } from '../privacy/event.ts'
import { units } from '../privacy/mechanism.ts'

const hex = (bytes: number) =>
  z.string().regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`), `expected ${bytes} bytes in hex`)
const hash = hex(32)
const identity = hex(32)
const signature = hex(64)
const site = z.string().min(1).max(63)
const code = z.string().regex(/^[A-Z][A-Z0-9_]{0,63}$/, 'expected a code like ERR_TIMEOUT')
const reason = z.string().max(2000)
const attempt = z.int().min(0)
const instant = z.int().min(0)

const entrySchema = z.discriminatedUnion('type', [
  /** The first entry: which plan, which session, who coordinates. */
  z.strictObject({
    type: z.literal('plan'),
    name: z.string().max(63),
    planHash: hash,
    session: hash,
    coordinator: identity,
  }),
  /** The second: the sites and their pinned keys. Only sites named here may appear in later entries. */
  z.strictObject({
    type: z.literal('roster'),
    sites: z.array(z.strictObject({ name: site, identity })).max(10_000),
  }),
  /** The build of the pages that the coordinator serves from here on: the code of a site that takes part in a browser. */
  z.strictObject({ type: z.literal('pages'), hash }),
  /** A round begins from a state; `attempt` is the round's number on the wire. */
  z.strictObject({ type: z.literal('round-start'), attempt, purpose: z.string().max(1000), startHash: hash }),
  /** A round is committed, in one entry so that a crash leaves all of it or nothing. */
  z.strictObject({
    type: z.literal('round'),
    attempt,
    startHash: hash,
    participants: z.array(site).max(10_000),
    absent: z.array(z.strictObject({ site, code, reason })).max(10_000),
    /** Transcripts of the groups that are in the sum: the next round names them. */
    transcripts: z.array(hash).max(10_000).optional(),
    sumHash: hash,
    stateHash: hash,
  }),
  /** Whose contributions are to be opened, before any share is asked for; a later attempt at the round has the same. */
  z.strictObject({ type: z.literal('survivors'), attempt, sites: z.array(site).max(10_000) }),
  /** An attempt that gave no sum; nothing was learned from it. */
  z.strictObject({ type: z.literal('abort'), attempt, code, reason }),
  /** What the rounds of a private plan have cost the people behind the records, after each; see `budget.ts`. */
  z.strictObject({
    type: z.literal('budget'),
    attempt,
    unit: z.enum(units),
    mechanism: z.string().max(200),
    /** Of this round. */
    events: z.array(eventSchema).max(1000),
    /** Rounds that were charged so far. */
    releases: z.int().min(1),
    /** Epsilon of the run so far at `delta`; `null` where nothing bounds it. */
    epsilon: z.number().min(0).nullable(),
    delta: z.number().min(0).max(1),
  }),
  /** A site agrees to a plan and the study's terms, with its own signature (`approvalBytes`). */
  z.strictObject({ type: z.literal('approval'), site, planHash: hash, terms: hash, expires: instant, signature }),
  z.strictObject({ type: z.literal('refusal'), site, code, reason }),
  /** A site leaves for good, with its own signature (`withdrawalBytes`). */
  z.strictObject({ type: z.literal('withdrawal'), site, session: hash, reason, signature }),
  /** A site has replayed the journal up to entry `index` and signs its head (`headBytes`). */
  z.strictObject({ type: z.literal('countersignature'), site, index: z.int().min(0), head: hash, signature }),
  /** A party that broke the rules, and how it was seen. */
  z.strictObject({ type: z.literal('culprit'), site, attempt, code, reason }),
  /** The last entry but for countersignatures. */
  z.strictObject({ type: z.literal('finish'), code, reason, rounds: z.int().min(0), stateHash: hash }),
])

/** What an entry says. */
export type JournalEntry = z.infer<typeof entrySchema>

/** An entry in its place: numbered, dated, bound to its predecessor and signed by the coordinator. */
export const sealedSchema = z.strictObject({
  index: z.int().min(0),
  /** Hash of the entry before; zeros before the first. */
  previous: hash,
  /** Milliseconds since 1970, never before the entry before. */
  at: instant,
  entry: entrySchema,
  /** Over the entry's hash, by the coordinator. */
  signature,
})

export type SealedEntry = z.infer<typeof sealedSchema>
