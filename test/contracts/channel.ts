/** What every pair of link ends must keep, over memory as over sockets. */

import { createHash, randomBytes } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'
import type { BlobStore, CoordinatorLink, SiteLink } from '../../protocol/wire/channel.ts'

export interface OpenLink {
  readonly site: SiteLink
  readonly coordinator: CoordinatorLink
  readonly published: BlobStore
  readonly close: () => Promise<void>
}

const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest())
const blob = (length: number): Uint8Array => new Uint8Array(randomBytes(length))

export function channelContract(name: string, open: (progress: () => void) => Promise<OpenLink>): void {
  describe(`${name} keeps the contract of a channel`, () => {
    let link: OpenLink | undefined
    let moved = 0
    const opened = async (): Promise<OpenLink> => {
      moved = 0
      link = await open(() => moved++)
      return link
    }
    afterEach(() => link?.close())

    test('frames arrive in order, both ways, and are taken as they were sent', async () => {
      const { site, coordinator } = await opened()
      const sent = Array.from({ length: 50 }, (_, i) => Uint8Array.of(i, 255 - i))
      for (const frame of sent) {
        site.send(frame)
        coordinator.send(frame)
      }
      for (const end of [site, coordinator]) {
        const frames = end.frames[Symbol.asyncIterator]()
        for (const frame of sent) expect(new Uint8Array((await frames.next()).value)).toEqual(frame)
      }
    })

    test('closing one end ends the frames of the other', async () => {
      const { site, coordinator } = await opened()
      site.close()
      const left: Uint8Array[] = []
      for await (const frame of coordinator.frames) left.push(frame)
      expect(left).toEqual([])
    })

    test('an upload is taken once, by its hash, with every byte', async () => {
      const { site, coordinator } = await opened()
      const bytes = blob(300_000)
      coordinator.expect(bytes.length)
      await site.upload(bytes, sha256(bytes))
      expect(await coordinator.take(sha256(bytes))).toEqual(bytes)
      expect(await coordinator.take(sha256(bytes))).toBeUndefined()
    })

    test('bytes of an upload are told as they come, frames are not', async () => {
      const { site, coordinator } = await opened()
      const bytes = blob(300_000)
      coordinator.expect(bytes.length)
      site.send(Uint8Array.of(1))
      await coordinator.frames[Symbol.asyncIterator]().next()
      expect(moved).toBe(0)
      await site.upload(bytes, sha256(bytes))
      expect(moved).toBeGreaterThan(0)
    })

    test('an upload larger than is expected is refused, and the link stays', async () => {
      const { site, coordinator } = await opened()
      coordinator.expect(10)
      const bytes = blob(11)
      await expect(site.upload(bytes, sha256(bytes))).rejects.toMatchObject({ code: 'ERR_BLOB' })
      site.send(Uint8Array.of(1))
      expect((await coordinator.frames[Symbol.asyncIterator]().next()).done).toBe(false)
    })

    test('what is published is downloaded whole; what is absent or too large is refused', async () => {
      const { site, published } = await opened()
      const bytes = blob(200_000)
      await published.put(sha256(bytes), bytes)
      expect(await site.download(sha256(bytes), bytes.length)).toEqual(bytes)
      await expect(site.download(sha256(bytes), bytes.length - 1)).rejects.toMatchObject({ code: 'ERR_BLOB' })
      await expect(site.download(sha256(Uint8Array.of(1)), 100)).rejects.toMatchObject({ code: 'ERR_BLOB' })
    })
  })
}
