/** This machine's clock, with its time zone. */

import type { Moment } from '../protocol/moment.ts'

export const localMoment = (): Moment => {
  const now = new Date()
  return { instant: now.getTime(), zone: -now.getTimezoneOffset() }
}
