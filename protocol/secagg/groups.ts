/**
 * The groups of a round, drawn anew for each from what every party knows: session and round. All attempts at one round
 * have the same groups, so that a coordinator cannot abort its way to a draw it likes.
 */

import { compareBytes, Writer } from '../bytes.ts'
import type { CryptoProvider } from '../crypto/provider.ts'
import { roundOf } from '../wire/attempts.ts'
import { groupSizes } from './formation.ts'
import { type Session, tagged } from './session.ts'
import { type Thresholds, thresholdsOf } from './thresholds.ts'

export interface Group {
  readonly number: number
  /** Positions in the roster, ascending. The place in this list, from 1, is where a member's Shamir shares lie. */
  readonly members: readonly number[]
  readonly thresholds: Thresholds
}

/** The groups an attempt is made in: the whole roster, or the order of H("groups", session, round, index) cut into pieces. */
export async function drawGroups(
  provider: CryptoProvider,
  session: Session,
  attempt: number,
): Promise<readonly Group[]> {
  const { formation, roster } = session
  const sizes = groupSizes(roster.length, formation.groups)
  const drawn = formation.groups === 1 ? [...roster.keys()] : await drawOrder(provider, session, roundOf(attempt))
  let from = 0
  return sizes.map((size, number) => {
    const members = drawn.slice(from, from + size).sort((a, b) => a - b)
    from += size
    return { number, members, thresholds: formation.thresholds.get(size) ?? thresholdsOf(size) }
  })
}

export async function groupOf(
  provider: CryptoProvider,
  session: Session,
  { attempt, index }: { readonly attempt: number; readonly index: number },
): Promise<Group> {
  const groups = await drawGroups(provider, session, attempt)
  const group = groups.find(({ members }) => members.includes(index))
  if (group === undefined) throw new Error(`member ${index} is in no group`)
  return group
}

/** Where a member's shares lie: 1 to 128. */
export const pointOf = ({ members }: Group, index: number): number => members.indexOf(index) + 1

async function drawOrder(provider: CryptoProvider, { id, roster }: Session, round: number): Promise<number[]> {
  const drawn = await Promise.all(
    Array.from(roster.keys(), async (index) => ({
      index,
      lot: await tagged(provider, 'groups', id, new Writer().uint64(round).uint32(index).finish()),
    })),
  )
  return drawn.sort((a, b) => compareBytes(a.lot, b.lot)).map(({ index }) => index)
}
