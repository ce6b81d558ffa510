/** The cryptography a party needs, as a port: node:crypto, WebCrypto and a pure implementation stand behind it. */

/** A vector over Z_2^32 or Z_2^64; smaller rings live in an Int32Array and are reduced when they are packed. */
export type RingVector = Int32Array | BigInt64Array

/** One mask: the keystream of AES-256-CTR under `seed`, zero counter, as little-endian words of the vector's width. */
export interface Mask {
  /** 32 bytes. */
  readonly seed: Uint8Array
  readonly sign: 1 | -1
}

/** Asynchronous throughout, because WebCrypto is. Keys and hashes are 32 bytes, signatures 64. */
export interface CryptoProvider {
  readonly name: string
  sha256(...parts: readonly Uint8Array[]): Promise<Uint8Array>
  /** HKDF-SHA256 (RFC 5869). */
  hkdf(secret: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): Promise<Uint8Array>
  x25519PublicKey(secret: Uint8Array): Promise<Uint8Array>
  /** RFC 7748. @throws ProtocolError ERR_LOW_ORDER_POINT when the shared secret is all zero. */
  x25519(secret: Uint8Array, peer: Uint8Array): Promise<Uint8Array>
  ed25519PublicKey(seed: Uint8Array): Promise<Uint8Array>
  /** RFC 8032. */
  ed25519Sign(seed: Uint8Array, message: Uint8Array): Promise<Uint8Array>
  ed25519Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean>
  /** Adds every mask, with its sign, to `vector` in place, modulo the vector's word. */
  addMasks(vector: RingVector, masks: readonly Mask[]): Promise<void>
}
