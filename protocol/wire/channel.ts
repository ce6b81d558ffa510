/** The link between a site and the coordinator, as a port: small control frames in order, and blobs by their hash. */

/** One direction-free end of a link. */
export interface Channel {
  /** Sends a frame of at most `limits.frame` bytes. A lost link shows as the end of `frames`, not here. */
  send(frame: Uint8Array): void
  /** Frames of the peer in order; ends when the link closes. One reader. */
  readonly frames: AsyncIterable<Uint8Array>
  close(): void
}

/** The site's end. Bulk data travel beside the frames, addressed by their SHA-256. */
export interface SiteLink extends Channel {
  upload(blob: Uint8Array, hash: Uint8Array): Promise<void>
  /** @throws ProtocolError ERR_BLOB when it is absent, larger than `maxBytes`, or its hash is another. */
  download(hash: Uint8Array, maxBytes: number): Promise<Uint8Array>
}

/** The coordinator's end. */
export interface CoordinatorLink extends Channel {
  /** Uploads of up to `maxBytes` are taken from now on; 0 refuses all. */
  expect(maxBytes: number): void
  /** Takes a blob this peer has uploaded, once; `undefined` when there is none of that hash. */
  take(hash: Uint8Array): Promise<Uint8Array | undefined>
}

/** What the coordinator publishes for all sites: sums and states, by hash. */
export interface BlobStore {
  put(hash: Uint8Array, blob: Uint8Array): Promise<void>
  get(hash: Uint8Array): Promise<Uint8Array | undefined>
}
