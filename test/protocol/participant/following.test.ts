import { expect, test } from 'vitest'
import { ProtocolError } from '../../../protocol/errors.ts'
import type { SealedEntry } from '../../../protocol/journal/entries.ts'
import type { SiteLink } from '../../../protocol/wire/channel.ts'
import { decodeMessage } from '../../../protocol/wire/messages.ts'
import { runSums } from '../../support/sum-run.ts'

test('a link that ends while a site fetches the sum of a round leaves no gap in its copy of the journal', async () => {
  const kept: SealedEntry[] = []
  let [dropped, lost] = [0, 0]
  // The first site is not told the end of a round, so it has to fetch its sum when the journal names it; then the link ends.
  const shape = (link: SiteLink, { index }: { readonly index: number }): SiteLink => {
    if (index !== 0) return link
    async function* frames(): AsyncGenerator<Uint8Array, void> {
      for await (const frame of link.frames)
        if (decodeMessage(frame).type !== 'round-end' || dropped++ !== 1) yield frame
    }
    const download: SiteLink['download'] = async (hash, maxBytes) => {
      if (dropped !== 2 || lost++ > 0) return link.download(hash, maxBytes)
      link.close()
      throw new ProtocolError('ERR_LINK_LOST', 'the link has ended')
    }
    return { ...link, frames: frames(), download }
  }
  const book = (index: number) => ({
    open: async () => [],
    append: async (_: string, entries: readonly SealedEntry[]) => {
      if (index === 0) kept.push(...entries)
    },
    keepSum: async () => {},
  })
  const run = await runSums({ sites: 4, rounds: 6, shape, book })
  expect(run.turnedAway).toEqual([{ site: 0, code: 'ERR_LINK_LOST' }])
  expect([dropped > 2, lost > 0]).toEqual([true, true])
  expect(kept.length).toBeGreaterThan(20)
  expect(kept.map(({ index }) => index)).toEqual(kept.map((_, i) => i))
})
