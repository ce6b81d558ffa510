/** Secret randomness as a port: shells hand in the operating system's generator, tests a seeded one. */
export interface Random {
  /** `length` fresh bytes from a cryptographic generator. */
  bytes(length: number): Uint8Array
}
