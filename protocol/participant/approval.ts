/** A person's word on a plan: what lies on the site's desk, and whether a plan may go ahead without somebody looking. */

import { toHex } from '../bytes.ts'
import { canonicalBytes } from '../canonical.ts'
import { InputError } from '../errors.ts'
import { type Plan, planHash } from '../plan.ts'
import type { Policy } from './policy.ts'
import type { Preview } from './preview.ts'

export interface Decision {
  readonly verdict: 'approved' | 'refused'
  readonly reason: string
}

/** A plan that came, what it would mean here, and what a person said to it. */
export interface DeskItem {
  readonly plan: Plan
  readonly preview: Preview
  /** Milliseconds since 1970. */
  readonly came: number
  readonly decision: (Decision & { readonly at: number }) | undefined
}

/** Kept durably, a plan by its hash in hexadecimal. */
export interface Desk {
  items(): Promise<readonly DeskItem[]>
  put(item: DeskItem): Promise<void>
}

/** What a repeat may change: nothing that decides about what leaves the site. */
const free = ({ name: _, description: __, seed: ___, author: ____, ...rest }: Plan): string =>
  new TextDecoder().decode(canonicalBytes(rest))

/**
 * Lets an approved plan pass; lays a new one on the desk.
 * @throws InputError ERR_APPROVAL_PENDING until a person has decided, ERR_PLAN_REFUSED with the person's reason.
 */
export async function passDesk(
  desk: Desk,
  approval: Policy['approval'],
  proposed: Omit<DeskItem, 'decision'>,
): Promise<void> {
  const items = await desk.items()
  const hash = toHex(planHash(proposed.plan))
  const known = items.find(({ plan }) => toHex(planHash(plan)) === hash)
  if (known?.decision?.verdict === 'refused') throw new InputError('ERR_PLAN_REFUSED', known.decision.reason)
  if (known?.decision?.verdict === 'approved') return
  const repeats = items.some(
    ({ plan, decision }) => decision?.verdict === 'approved' && free(plan) === free(proposed.plan),
  )
  if (approval === 'automatic' || (approval === 'repeats' && repeats)) {
    const reason = approval === 'automatic' ? 'by the policy' : 'by the policy: it repeats an approved plan'
    await desk.put({ ...proposed, decision: { verdict: 'approved', reason, at: proposed.came } })
    return
  }
  if (known === undefined) await desk.put({ ...proposed, decision: undefined })
  throw new InputError(
    'ERR_APPROVAL_PENDING',
    `a person has to look at this plan: "concordat review ${hash.slice(0, 12)}"`,
  )
}
