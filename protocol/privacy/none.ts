/** No noise: the secure sum alone hides a site among sites, and nothing hides a person in the sum. */

import * as z from 'zod'
import { type Mechanism, mechanismEntry } from './mechanism.ts'

export const none = mechanismEntry(
  z.strictObject({}),
  (): Mechanism => ({
    unit: undefined,
    discipline: undefined,
    protect: (algorithm) => algorithm,
    noiseShare: noNoise,
    noiseSum: noNoise,
    charge: unprotected,
    whole: unprotected(),
  }),
)

export function noNoise(): void {}

export const unprotected = (): readonly [{ readonly type: 'unprotected'; readonly count: 1 }] => [
  { type: 'unprotected', count: 1 },
]
