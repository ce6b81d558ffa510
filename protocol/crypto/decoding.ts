/**
 * Shares of which some are wrong: the secret and who lied, as long as shares - threshold is at least twice the liars.
 * Shamir's shares are a Reed-Solomon code (McEliece and Sarwate 1981); decoded as in Welch and Berlekamp, US 4,633,470.
 */

import { divide, multiply, type Share } from './shamir.ts'

export interface Decoded {
  readonly secret: Uint8Array
  /** Points whose shares lie off the polynomial. */
  readonly wrong: readonly number[]
}

/** @param shares of distinct points and equal lengths. @returns `undefined` where too many are wrong to tell. */
export function decodeShares(shares: readonly Share[], threshold: number): Decoded | undefined {
  const errors = Math.floor((shares.length - threshold) / 2)
  if (errors < 0) return undefined
  const points = shares.map(({ x }) => x)
  const secret = new Uint8Array(shares[0].bytes.length)
  const wrong = new Set<number>()
  for (const i of secret.keys()) {
    const values = shares.map(({ bytes }) => bytes[i])
    const polynomial = decodeByte({ points, values, threshold, errors })
    if (polynomial === undefined) return undefined
    secret[i] = polynomial[0]
    for (const [k, x] of points.entries()) if (evaluate(polynomial, x) !== values[k]) wrong.add(x)
  }
  return wrong.size <= errors ? { secret, wrong: [...wrong].sort((a, b) => a - b) } : undefined
}

interface Received {
  readonly points: readonly number[]
  readonly values: readonly number[]
  readonly threshold: number
  readonly errors: number
}

/** Q(x) = y E(x) at every point, E monic of degree `errors`, Q of degree below threshold + errors: then P = Q / E. */
function decodeByte({ points, values, threshold, errors }: Received): Uint8Array | undefined {
  const width = threshold + errors
  const equations = points.map((x, k) => {
    const row = new Uint8Array(width + errors + 1)
    for (let power = 1, j = 0; j < width; j++, power = multiply(power, x)) row[j] = power
    for (let power = 1, j = 0; j <= errors; j++, power = multiply(power, x)) row[width + j] = multiply(values[k], power)
    return row
  })
  const solution = solve(equations, width + errors)
  if (solution === undefined) return undefined
  const locator = Uint8Array.of(...solution.subarray(width), 1)
  return quotient(solution.subarray(0, width), locator, threshold)
}

/** Gauss and Jordan over GF(2^8); the last column is the right side, free unknowns are zero. */
function solve(rows: Uint8Array[], unknowns: number): Uint8Array | undefined {
  const pivots: number[] = []
  for (let column = 0; column < unknowns && pivots.length < rows.length; column++) {
    const at = rows.findIndex((row, i) => i >= pivots.length && row[column] !== 0)
    if (at < 0) continue
    const rank = pivots.length
    const pivot = rows[at]
    rows[at] = rows[rank]
    rows[rank] = pivot.map((value) => divide(value, pivot[column]))
    for (const [i, row] of rows.entries()) {
      const factor = row[column]
      if (i !== rank && factor !== 0) rows[i] = row.map((value, j) => value ^ multiply(factor, rows[rank][j]))
    }
    pivots.push(column)
  }
  if (rows.slice(pivots.length).some((row) => row[unknowns] !== 0)) return undefined
  const solution = new Uint8Array(unknowns)
  for (const [i, column] of pivots.entries()) solution[column] = rows[i][unknowns]
  return solution
}

/** numerator / denominator of fewer than `length` coefficients; `undefined` where it leaves a remainder. */
function quotient(numerator: Uint8Array, denominator: Uint8Array, length: number): Uint8Array | undefined {
  const rest = numerator.slice()
  const result = new Uint8Array(length)
  const degree = denominator.length - 1
  for (let i = rest.length - 1; i >= degree; i--) {
    const factor = rest[i]
    result[i - degree] = factor
    for (let j = 0; j <= degree; j++) rest[i - degree + j] ^= multiply(factor, denominator[j])
  }
  return rest.some((value) => value !== 0) ? undefined : result
}

/** Horner's rule; coefficients from the constant up. */
function evaluate(polynomial: Uint8Array, x: number): number {
  let value = 0
  for (let i = polynomial.length - 1; i >= 0; i--) value = multiply(value, x) ^ polynomial[i]
  return value
}
