/** The receipt of one outgoing contribution: what left the site, in terms a person can check. Norms stay at the site. */

import type { Lanes, SumRequest } from '../algorithm.ts'
import { toHex } from '../bytes.ts'

export interface Receipt {
  readonly session: string
  readonly round: number
  readonly purpose: string
  readonly lanes: readonly {
    readonly name: string
    readonly length: number
    readonly bound: number
    readonly norm: number
  }[]
  /** Always true: an unmasked contribution cannot be sent. */
  readonly masked: true
  readonly bytes: number
  readonly sha256: string
}

/** What is said of a contribution before it is masked. */
export type Contents = Omit<Receipt, 'bytes' | 'sha256'>

export interface Said {
  readonly session: Uint8Array
  readonly round: number
  readonly request: SumRequest
  readonly lanes: Lanes
}

export function contentsOf({ session, round, request, lanes }: Said): Contents {
  return {
    session: toHex(session),
    round,
    purpose: request.purpose,
    lanes: request.lanes.map(({ name, length, bound }) => ({ name, length, bound, norm: norm(lanes[name]) })),
    masked: true,
  }
}

function norm(values: Lanes[string]): number {
  let sum = 0
  for (const value of values) sum += value * value
  return Math.sqrt(sum)
}
