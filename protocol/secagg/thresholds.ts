/** How many sites may collude, how many shares open a secret, how many must be in a sum: from numbers alone, never received. */

import { InputError } from '../errors.ts'

export interface Thresholds {
  /** Sites assumed to collude with the coordinator. */
  readonly colluding: number
  /** Shares that open a secret; 2 * threshold > sites + colluding. */
  readonly threshold: number
  /** Fewest survivors a site lets be unmasked. */
  readonly minimum: number
}

export interface Quorum {
  readonly minimum?: number | undefined
  readonly colluding?: number | undefined
}

/** A fifth of the roster, none below five sites. */
export const assumedColluding = (sites: number): number => (sites < 5 ? 0 : Math.floor(sites / 5))

/** A7 and B1 of the design: with t > (N + c) / 2 no site's both secrets can be opened. @throws InputError ERR_QUORUM. */
export function thresholdsOf(sites: number, quorum: Quorum = {}): Thresholds {
  if (sites < 3)
    throw new InputError('ERR_QUORUM', `expected at least 3 sites, found ${sites}: two would learn each other's data`)
  const colluding = quorum.colluding ?? assumedColluding(sites)
  const floor = Math.floor((sites + colluding) / 2) + 1
  const threshold = sites === 3 ? Math.max(floor, 2) : Math.max(floor, Math.ceil((3 * sites) / 4))
  if (threshold > sites)
    throw new InputError('ERR_QUORUM', `${colluding} colluding sites of ${sites} leave no threshold that is safe`)
  const minimum = Math.max(threshold, quorum.minimum ?? 0, 3)
  if (minimum > sites) throw new InputError('ERR_QUORUM', `the plan wants ${minimum} sites, the roster has ${sites}`)
  return { colluding, threshold, minimum }
}
