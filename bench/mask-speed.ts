/** How fast a crypto provider expands masks and adds them: megabytes of mask a second. */

import type { CryptoProvider } from '../protocol/crypto/provider.ts'
import { median } from './step.ts'

const masks = 8
const times = 5

export async function maskSpeed(provider: Pick<CryptoProvider, 'addMasks'>, megabytes: number): Promise<number> {
  const vector = new Int32Array((megabytes * 1e6) / 4)
  const wanted = Array.from({ length: masks }, (_, i) => ({
    seed: new Uint8Array(32).fill(i + 1),
    sign: i % 2 === 0 ? (1 as const) : (-1 as const),
  }))
  await provider.addMasks(vector, wanted)
  const speeds: number[] = []
  for (let i = 0; i < times; i++) {
    const began = performance.now()
    await provider.addMasks(vector, wanted)
    speeds.push((masks * megabytes * 1000) / (performance.now() - began))
  }
  return median(speeds)
}
