/** The coordinator's answers as the observer's page reads them; what it does not show it does not ask for. */

import * as z from 'zod/mini'

export const roleSchema = z.enum(['observer', 'author', 'operator'])
export type Role = z.infer<typeof roleSchema>

export const refusalSchema = z.object({ code: z.string(), message: z.string() })
export type Refused = z.infer<typeof refusalSchema>

const summarySchema = z.object({
  id: z.string().check(z.regex(/^[0-9a-f]{16}$/)),
  name: z.string(),
  status: z.enum(['queued', 'running', 'waiting', 'paused', 'finished', 'failed', 'stopped']),
  submitted: z.number(),
  rounds: z.number(),
  missing: z.array(z.string()),
  code: z.string(),
  reason: z.string(),
})
export type RunSummary = z.infer<typeof summarySchema>
export const runsSchema = z.array(summarySchema)

export const sitesSchema = z.array(
  z.object({
    name: z.string(),
    // What the coordinator has not seen since it was started has its name alone.
    link: z.optional(z.enum(['connected', 'away', 'gone'])),
    heard: z.optional(z.number()),
    version: z.optional(z.number()),
    agent: z.optional(z.string()),
  }),
)
export type SiteStanding = z.infer<typeof sitesSchema>[number]

export const rosterSchema = z.object({
  roster: z.object({
    version: z.number(),
    words: z.string(),
    sites: z.array(z.object({ name: z.string(), words: z.string() })),
  }),
  waiting: z.array(z.object({ name: z.string(), since: z.number() })),
  invites: z.array(z.object({ name: z.string(), expires: z.number(), used: z.boolean() })),
})
export type Roster = z.infer<typeof rosterSchema>

const absence = z.object({ site: z.string(), code: z.string(), reason: z.string() })
export type Absence = z.infer<typeof absence>

const told = { at: z.number() }
const eventSchema = z.discriminatedUnion('type', [
  z.object({ ...told, type: z.literal('waiting'), missing: z.array(z.string()), needed: z.number() }),
  z.object({ ...told, type: z.literal('phase'), round: z.number(), phase: z.string(), sites: z.number() }),
  z.object({
    ...told,
    type: z.literal('round'),
    round: z.number(),
    purpose: z.string(),
    sites: z.array(z.string()),
    absent: z.array(absence),
    // A number that is none travels as null.
    metrics: z.record(z.string(), z.nullable(z.number())),
    intervals: z.optional(z.record(z.string(), z.tuple([z.number(), z.number()]))),
    seconds: z.number(),
    bytesUp: z.number(),
    bytesDown: z.number(),
    stateHash: z.string(),
  }),
  z.object({ ...told, type: z.literal('retry'), code: z.string(), reason: z.string(), seconds: z.number() }),
  z.object({ ...told, type: z.enum(['paused', 'queued', 'assembled']) }),
  z.object({ ...told, type: z.literal('finished'), rounds: z.number(), modelHash: z.string() }),
  z.object({ ...told, type: z.literal('failed'), code: z.string(), reason: z.string() }),
])
export type ShownEvent = z.infer<typeof eventSchema>
export type PhaseEvent = Extract<ShownEvent, { readonly type: 'phase' }>
export type RoundEvent = Extract<ShownEvent, { readonly type: 'round' }>

/** One event of a run; `undefined` for what the page does not show. */
export const parseEvent = (event: unknown): ShownEvent | undefined => eventSchema.safeParse(event).data

const entrySchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('roster'), sites: z.array(z.object({ name: z.string() })) }),
  z.object({ type: z.literal('pages'), hash: z.string() }),
  z.object({ type: z.literal('round-start'), purpose: z.string() }),
  z.object({
    type: z.literal('round'),
    participants: z.array(z.string()),
    absent: z.array(absence),
    stateHash: z.string(),
  }),
  z.object({
    type: z.literal('budget'),
    unit: z.enum(['record', 'patient', 'site']),
    epsilon: z.nullable(z.number()),
    delta: z.number(),
  }),
  z.object({ type: z.literal('countersignature'), site: z.string(), index: z.number() }),
])
const sealedSchema = z.object({ index: z.number(), at: z.number(), entry: z.looseObject({ type: z.string() }) })

/** One line of a journal: its place, and what it says where the page shows that. */
export function parseEntry(line: string) {
  const { index, at, entry } = sealedSchema.parse(JSON.parse(line))
  return { index, at, entry: entrySchema.safeParse(entry).data }
}
