/** What the coordinator's process takes from its machine: time and chance. */

import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Random } from '../protocol/random.ts'
import type { Clock } from './clock.ts'

export const clock: Clock = {
  now: () => Date.now(),
  wait: async (milliseconds, signal) => {
    // The doors keep the process alive while it serves; a run that rests must not keep it once they are closed.
    await delay(milliseconds, undefined, { signal, ref: false }).catch(() => {})
  },
}

export const random: Random = { bytes: (length) => new Uint8Array(randomBytes(length)) }
