/** Sums and model states by the SHA-256 of their bytes, as a port; hashes are 64 hexadecimal digits. */
export interface Blobs {
  /** Returns when the blob would survive a power cut; a reader sees all of it or nothing. @throws InputError ERR_STORE. */
  put(hash: string, bytes: Uint8Array): Promise<void>
  /** Bytes of a blob; `undefined` where there is none. */
  size(hash: string): Promise<number | undefined>
  /** The bytes of a blob that is there, from the byte `start` on. */
  read(hash: string, start: number): AsyncIterable<Uint8Array>
  remove(hash: string): Promise<void>
}
