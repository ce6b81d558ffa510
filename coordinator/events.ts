/** What a run tells whoever watches it: terminals, the operator's API, reports. Only sums and names, never one site's numbers. */

import * as z from 'zod'

const absence = z.object({ site: z.string(), code: z.string(), reason: z.string() })

const eventSchemas = z.discriminatedUnion('type', [
  /** How the sites stand in the secure sum, and how many honest ones are behind any sum that can be opened. */
  z.object({
    type: z.literal('formation'),
    mode: z.enum(['strict', 'fast']),
    groups: z.number(),
    honest: z.number(),
  }),
  /** How exact the sums of the plan's updates are. */
  z.object({ type: z.literal('precision'), text: z.string() }),
  z.object({
    type: z.literal('waiting'),
    present: z.array(z.string()),
    missing: z.array(z.string()),
    needed: z.number(),
  }),
  /** The quorum is there, the rounds go on. */
  z.object({ type: z.literal('assembled'), sites: z.number() }),
  /** The operator paused the run, or let it go on. */
  z.object({ type: z.literal('paused') }),
  z.object({ type: z.literal('queued'), before: z.number() }),
  z.object({ type: z.literal('joined'), site: z.string() }),
  z.object({ type: z.literal('declined'), site: z.string(), code: z.string(), reason: z.string() }),
  z.object({ type: z.literal('left'), site: z.string(), code: z.string(), reason: z.string() }),
  /** So many sites are asked for what the phase of the secure sum needs of them. */
  z.object({ type: z.literal('phase'), round: z.number(), phase: z.string(), sites: z.number() }),
  z.object({
    type: z.literal('round'),
    round: z.number(),
    purpose: z.string(),
    sites: z.array(z.string()),
    absent: z.array(absence),
    metrics: z.record(z.string(), z.number()),
    /** 95 % intervals of some of them. */
    intervals: z.record(z.string(), z.tuple([z.number(), z.number()]).readonly()).optional(),
    seconds: z.number(),
    /** Bytes of masked vectors that came in, and of the sum that went out to each site. */
    bytesUp: z.number(),
    bytesDown: z.number(),
    stateHash: z.string(),
  }),
  z.object({ type: z.literal('retry'), round: z.number(), code: z.string(), reason: z.string(), seconds: z.number() }),
  z.object({
    type: z.literal('finished'),
    rounds: z.number(),
    modelHash: z.string(),
    metrics: z.record(z.string(), z.number()),
    result: z.unknown(),
  }),
  z.object({ type: z.literal('failed'), code: z.string(), reason: z.string() }),
])

export type RunEvent = z.infer<typeof eventSchemas>
export type RoundEvent = Extract<RunEvent, { readonly type: 'round' }>
export type WaitingEvent = Extract<RunEvent, { readonly type: 'waiting' }>
export type FinishedEvent = Extract<RunEvent, { readonly type: 'finished' }>

/** An event as the coordinator tells it: with its time, in milliseconds since 1970. */
export type TimedEvent = RunEvent & { readonly at: number }

const timedSchema = eventSchemas.and(z.object({ at: z.number() }))

/** Parses one event of the API's stream. */
export const parseRunEvent = (value: unknown): TimedEvent => timedSchema.parse(value)
