/** What a plan would take from this site: found by working it through on its own table, before anything leaves. */

import * as z from 'zod'
import type { Lane, SumRequest } from '../algorithm.ts'
import { InputError, ProtocolError } from '../errors.ts'
import { rdpEpsilon } from '../privacy/accountants/rdp.ts'
import { packedLength } from '../vector/packing.ts'
import type { Opened } from './shell.ts'

const laneSchema = z.strictObject({
  name: z.string(),
  length: z.int().min(0),
  bound: z.number(),
  kind: z.enum(['integer', 'real']),
  l2: z.number().optional(),
  perRecord: z.number().optional(),
  scale: z.number().optional(),
  room: z.number().optional(),
  noise: z.number().optional(),
  bits: z.union([z.literal(16), z.literal(20), z.literal(24)]).optional(),
  cells: z.literal(true).optional(),
})

const departureSchema = z.strictObject({
  purpose: z.string(),
  lanes: z.array(laneSchema),
  /** Of the masked vector. */
  bytes: z.int().min(0),
})

export const previewSchema = z.strictObject({
  /** Of the first rounds; those after the second take what the second takes. */
  departures: z.array(departureSchema),
  /** Training rounds, as the plan says; a round of statistics and one of evaluation come on top. */
  rounds: z.int(),
  rows: z.int(),
  /** Numbers of the model; 0 where there is none. */
  parameters: z.int(),
  privacy: z.strictObject({
    mechanism: z.string(),
    /** Whom it hides; `null` where it hides nobody. */
    unit: z.enum(['record', 'patient', 'site']).nullable(),
    /** What all rounds together cost, each tried once; `null` where nothing bounds it. */
    epsilon: z.number().nullable(),
    delta: z.number(),
  }),
})

export type Departure = z.infer<typeof departureSchema>
export type Preview = z.infer<typeof previewSchema>

/** @param delta at which the cost is given. */
export async function previewOf<State, Site>(
  { plan, algorithm, site, rows, unit, whole }: Opened<State, Site>,
  delta: number,
): Promise<Preview> {
  const requests: SumRequest[] = []
  let state = algorithm.init()
  for (let request = algorithm.request(state); request !== undefined; ) {
    requests.push(request)
    if (requests.length === 2) break
    try {
      // As if this site were alone; what it would say goes nowhere.
      const lanes = await algorithm.contribute(state, request, site, 0)
      state = algorithm.apply(state, request, lanes, 1)
    } catch (error) {
      // Its own rows alone need not carry the computation.
      if (!(error instanceof InputError || error instanceof ProtocolError)) throw error
      break
    }
    request = algorithm.request(state)
  }
  const epsilon = unit === undefined ? Number.POSITIVE_INFINITY : rdpEpsilon(whole, delta)
  return {
    departures: requests.map(departureOf),
    rounds: plan.rounds,
    rows,
    parameters: Math.max(0, ...requests.flatMap(({ lanes }) => lanes.filter(isUpdate).map(({ length }) => length))),
    privacy: {
      mechanism: plan.privacy.name,
      unit: unit ?? null,
      epsilon: Number.isFinite(epsilon) ? epsilon : null,
      delta,
    },
  }
}

/** A lane with a largest norm is a model's update or gradient. */
const isUpdate = ({ l2 }: Lane): boolean => l2 !== undefined

const departureOf = (request: SumRequest): Departure => ({
  purpose: request.purpose,
  lanes: [...request.lanes],
  bytes: packedLength(request),
})
