/** A moment as a shell hands it in, and what a wall clock shows then. */

export interface Moment {
  /** Milliseconds since 1970, UTC. */
  readonly instant: number
  /** Minutes that local time is ahead of UTC. */
  readonly zone: number
}

const days = ['thu', 'fri', 'sat', 'sun', 'mon', 'tue', 'wed'] as const
const minute = 60_000
const day = 24 * 60 * minute

export type Weekday = (typeof days)[number]

export function clockOf({ instant, zone }: Moment): { readonly day: Weekday; readonly minutes: number } {
  const local = instant + zone * minute
  const date = Math.floor(local / day)
  // 1970 began on a Thursday.
  return { day: days[((date % 7) + 7) % 7], minutes: Math.floor((local - date * day) / minute) }
}

/** The last instant of a day, written like 2027-06-30, where the moment's clock hangs. */
export const endOfDay = (date: string, { zone }: Pick<Moment, 'zone'>): number =>
  (daysSince1970(date) + 1) * day - 1 - zone * minute

/** Gregorian, with years that begin in March so that the leap day is the last one. */
function daysSince1970(date: string): number {
  const [year, month, dayOfMonth] = date.split('-').map(Number)
  const shifted = month > 2 ? year : year - 1
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + dayOfMonth - 1
  const leapDays = Math.floor(shifted / 4) - Math.floor(shifted / 100) + Math.floor(shifted / 400)
  // 719468 days lie between the first of March of the year 0 and 1970.
  return shifted * 365 + leapDays + dayOfYear - 719_468
}
