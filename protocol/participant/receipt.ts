/** The receipt of one outgoing contribution: what left the site, in terms a person can check. Norms stay at the site. */

import type { Lanes, SumRequest } from '../algorithm.ts'
import { toHex } from '../bytes.ts'
import { euclideanNorm } from '../privacy/clip.ts'
import type { PrivacyEvent } from '../privacy/event.ts'
import type { Unit } from '../privacy/mechanism.ts'

export interface Receipt {
  readonly session: string
  readonly plan: string
  readonly round: number
  readonly purpose: string
  readonly lanes: readonly {
    readonly name: string
    readonly length: number
    readonly bound: number
    /** Of what this site added, before noise and masks. */
    readonly norm: number
    /** The largest norm that the plan allows, where it names one. */
    readonly largest: number | null
  }[]
  /** Whether this site's update was shortened to the plan's norm; `null` where nothing was to be shortened. */
  readonly clipped: boolean | null
  /** Cells of tables that the policy held back. */
  readonly suppressed: number
  readonly mechanism: string
  /** Whom it hides; `null` where it hides nobody. */
  readonly unit: Unit | null
  /** The noise, as the accountants see it: what this release costs. */
  readonly charge: readonly PrivacyEvent[]
  /** Always true: an unmasked contribution cannot be sent. */
  readonly masked: true
  readonly bytes: number
  readonly sha256: string
}

/** What is said of a contribution before it is masked. */
export type Contents = Omit<Receipt, 'bytes' | 'sha256'>

export interface Said extends Pick<Receipt, 'plan' | 'round' | 'suppressed' | 'mechanism' | 'unit' | 'charge'> {
  readonly session: Uint8Array
  readonly request: SumRequest
  readonly lanes: Lanes
}

export function contentsOf({ session, request, lanes, ...rest }: Said): Contents {
  const described = request.lanes.map(({ name, length, bound, l2 }) => ({
    ...{ name, length, bound },
    norm: euclideanNorm(lanes[name]),
    largest: l2 ?? null,
  }))
  return {
    ...rest,
    session: toHex(session),
    purpose: request.purpose,
    lanes: described,
    clipped: clipped(lanes, described),
    masked: true,
  }
}

/** By the method's own word where it gives one; by the norm, which ends at the largest, where it does not. */
function clipped(lanes: Lanes, described: Contents['lanes']): boolean | null {
  if (Object.hasOwn(lanes, 'clipped')) return lanes.clipped[0] > 0
  const limited = described.filter(({ largest }) => largest !== null)
  return limited.length === 0 ? null : limited.some(({ norm, largest }) => norm >= (largest ?? 0) * (1 - 1e-6))
}
