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

export interface Sent {
  readonly session: Uint8Array
  readonly round: number
  readonly request: SumRequest
  readonly lanes: Lanes
  readonly bytes: number
  readonly hash: Uint8Array
}

export function receiptFor({ session, round, request, lanes, bytes, hash }: Sent): Receipt {
  return {
    session: toHex(session),
    round,
    purpose: request.purpose,
    lanes: request.lanes.map(({ name, length, bound }) => ({ name, length, bound, norm: norm(lanes[name]) })),
    masked: true,
    bytes,
    sha256: toHex(hash),
  }
}

function norm(values: Lanes[string]): number {
  let sum = 0
  for (const value of values) sum += value * value
  return Math.sqrt(sum)
}
