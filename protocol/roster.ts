/** The roster file: the names and pinned identity keys of the sites of a federation, as all parties hold it. */

import * as z from 'zod'
import { compareBytes, equalBytes, fromHex, toHex } from './bytes.ts'
import { InputError } from './errors.ts'
import { check } from './plan.ts'
import type { RosterEntry } from './wire/messages.ts'

export const siteName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'expected lower-case letters, digits and dashes, 63 at most')
export const identityHex = z.string().regex(/^[0-9a-f]{64}$/, 'expected an Ed25519 public key: 64 hexadecimal digits')

/** The sites of a roster, each name and each key once. */
export const rosterSites = z
  .array(z.strictObject({ name: siteName, identity: identityHex }))
  .superRefine((sites, context) => {
    for (const field of ['name', 'identity'] as const) {
      const values = sites.map((site) => site[field])
      const twice = values.find((value, i) => values.indexOf(value) !== i)
      if (twice !== undefined)
        context.addIssue({ code: 'custom', message: `expected each ${field} once, ${twice} stands twice` })
    }
  })

/** A file written by hand holds the sites alone; one that a coordinator signed also its version and signature. */
const rosterSchema = z.strictObject({
  sites: rosterSites.min(1),
  version: z.int().optional(),
  coordinator: identityHex.optional(),
  previous: z.string().optional(),
  signature: z.string().optional(),
})

/** A roster on which a run can stand. @throws InputError ERR_ROSTER */
export function parseRoster(text: string): readonly RosterEntry[] {
  const sites = parseGrowingRoster(text)
  if (sites.length < 3)
    throw new InputError(
      'ERR_ROSTER',
      `expected at least 3 sites, found ${sites.length}: fewer cannot hide each other in a sum`,
      'sites',
    )
  return sites
}

/** Any roster, also one that has only begun to grow; sites come back in the order of their keys, the protocol's order. */
export function parseGrowingRoster(text: string): readonly RosterEntry[] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new InputError('ERR_ROSTER', 'expected a JSON file {"sites": [{"name", "identity"}]}')
  }
  return check(rosterSchema, value, [], 'ERR_ROSTER')
    .sites.map(({ name, identity }) => ({ name, identity: fromHex(identity) }))
    .sort((a, b) => compareBytes(a.identity, b.identity))
}

export const rosterText = (roster: readonly RosterEntry[]): string =>
  `${JSON.stringify({ sites: roster.map(({ name, identity }) => ({ name, identity: toHex(identity) })) }, null, 2)}\n`

/** Whether two rosters name the same sites with the same keys, in the same order. */
export const sameSites = (a: readonly RosterEntry[], b: readonly RosterEntry[]): boolean =>
  a.length === b.length && a.every(({ name, identity }, i) => name === b[i].name && equalBytes(identity, b[i].identity))
