/** Shamir's secret sharing, byte by byte over GF(2^8) with polynomial 0x11b (Shamir 1979; tables with generator 3). */

import type { Random } from '../random.ts'

const exp = new Uint8Array(510)
const log = new Uint8Array(256)
for (let i = 0, x = 1; i < 255; i++) {
  exp[i] = x
  exp[i + 255] = x
  log[x] = i
  x = x ^ (x << 1) ^ (x & 0x80 ? 0x11b : 0)
}

export const multiply = (a: number, b: number): number => (a === 0 || b === 0 ? 0 : exp[log[a] + log[b]])

/** @param b not zero. */
export const divide = (a: number, b: number): number => (a === 0 ? 0 : exp[log[a] + 255 - log[b]])

export interface Share {
  /** 1 to 255, distinct within a sharing. */
  readonly x: number
  readonly bytes: Uint8Array
}

/** Shares of `secret` at each of `points`; any `threshold` of them open it, fewer say nothing. */
export function split(
  secret: Uint8Array,
  {
    threshold,
    points,
    random,
  }: { readonly threshold: number; readonly points: readonly number[]; readonly random: Random },
): Share[] {
  const coefficients = random.bytes(secret.length * (threshold - 1))
  return splitWith(secret, coefficients, points)
}

/** `coefficients` holds x^1 of every byte, then x^2, and so on. */
export function splitWith(secret: Uint8Array, coefficients: Uint8Array, points: readonly number[]): Share[] {
  const degree = coefficients.length / secret.length
  return points.map((x) => {
    const bytes = new Uint8Array(secret.length)
    for (let k = degree - 1; k >= 0; k--) {
      const offset = k * secret.length
      for (let i = 0; i < bytes.length; i++) bytes[i] = multiply(bytes[i] ^ coefficients[offset + i], x)
    }
    for (let i = 0; i < bytes.length; i++) bytes[i] ^= secret[i]
    return { x, bytes }
  })
}

/** Lagrange's coefficients at zero for a set of points. */
export const weightsAtZero = (points: readonly number[]): number[] =>
  points.map((xi) => points.reduce((weight, xj) => (xj === xi ? weight : multiply(weight, divide(xj, xj ^ xi))), 1))

/** The secret from as many shares as the threshold; their points distinct, their lengths equal. */
export function combine(shares: readonly Share[], weights = weightsAtZero(shares.map(({ x }) => x))): Uint8Array {
  const secret = new Uint8Array(shares[0].bytes.length)
  for (const [k, { bytes }] of shares.entries()) {
    for (let i = 0; i < secret.length; i++) secret[i] ^= multiply(weights[k], bytes[i])
  }
  return secret
}
