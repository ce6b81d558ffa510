/** Two ends of a link in one process: the same messages as over sockets, without a socket. */

import { toHex } from '../bytes.ts'
import { ProtocolError } from '../errors.ts'
import type { BlobStore, CoordinatorLink, SiteLink } from './channel.ts'
import { Mailbox } from './mailbox.ts'

export interface MemoryLink {
  readonly site: SiteLink
  readonly coordinator: CoordinatorLink
}

/**
 * @param published what the coordinator publishes for all of its sites.
 * @param progress called when bytes of an upload have come.
 */
export function memoryLink(published: BlobStore, progress: () => void = () => {}): MemoryLink {
  const toSite = new Mailbox<Uint8Array>()
  const toCoordinator = new Mailbox<Uint8Array>()
  const uploads = new Map<string, Uint8Array>()
  const close = (): void => {
    toSite.close()
    toCoordinator.close()
  }
  let expected = 0
  return {
    site: {
      send: (frame) => toCoordinator.put(frame),
      frames: toSite,
      close,
      upload: async (blob, hash) => {
        if (blob.length > expected) {
          throw new ProtocolError('ERR_BLOB', `expected an upload of at most ${expected} bytes, found ${blob.length}`)
        }
        uploads.set(toHex(hash), blob)
        progress()
      },
      download: async (hash, maxBytes) => {
        const blob = await published.get(hash)
        if (blob === undefined || blob.length > maxBytes) {
          throw new ProtocolError(
            'ERR_BLOB',
            `expected a blob ${toHex(hash)} of at most ${maxBytes} bytes, found ${blob === undefined ? 'none' : `${blob.length} bytes`}`,
          )
        }
        return blob
      },
    },
    coordinator: {
      send: (frame) => toSite.put(frame),
      frames: toCoordinator,
      close,
      expect: (maxBytes) => {
        expected = maxBytes
      },
      take: async (hash) => {
        const blob = uploads.get(toHex(hash))
        uploads.delete(toHex(hash))
        return blob
      },
    },
  }
}

/** A blob store that lives as long as the process. */
export function memoryBlobs(): BlobStore {
  const blobs = new Map<string, Uint8Array>()
  return {
    put: async (hash, blob) => {
      blobs.set(toHex(hash), blob)
    },
    get: async (hash) => blobs.get(toHex(hash)),
  }
}
