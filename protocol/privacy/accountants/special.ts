/** Special functions in double precision: sums of logarithms, binomials, and the tails of the normal distribution. */

/** ln(e^a + e^b). */
export function logAdd(a: number, b: number): number {
  const [high, low] = a > b ? [a, b] : [b, a]
  return high === Number.NEGATIVE_INFINITY ? high : high + Math.log1p(Math.exp(low - high))
}

/** ln(sum of e^term). */
export function logSum(terms: readonly number[]): number {
  const largest = terms.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
  if (!Number.isFinite(largest)) return largest
  return largest + Math.log(terms.reduce((sum, term) => sum + Math.exp(term - largest), 0))
}

/** ln(e^x - 1), x > 0. */
export const logExpm1 = (x: number): number => (x > 40 ? x + Math.log1p(-Math.exp(-x)) : Math.log(Math.expm1(x)))

const logFactorials = [0]

/** ln n! for whole n. */
export function logFactorial(n: number): number {
  for (let k = logFactorials.length; k <= n; k++) logFactorials.push(logFactorials[k - 1] + Math.log(k))
  return logFactorials[n]
}

export const logBinomial = (n: number, k: number): number => logFactorial(n) - logFactorial(k) - logFactorial(n - k)

/** ln P(X <= x), X standard normal: accurate in relative terms far into both tails. */
export function logNormalCdf(x: number): number {
  if (x > 2) return Math.log1p(-Math.exp(logUpperTail(x)))
  return x < -2 ? logUpperTail(-x) : Math.log(0.5 + density(x) * centralSeries(x))
}

/** P(X <= x), X standard normal. */
export const normalCdf = (x: number): number => Math.exp(logNormalCdf(x))

const density = (x: number): number => Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI)

/** (Phi(x) - 1/2) / phi(x) = x + x^3/3 + x^5/15 + …: every term has the sign of x. Abramowitz and Stegun 26.2.11. */
function centralSeries(x: number): number {
  let term = x
  let sum = x
  for (let k = 3; Math.abs(term) > 1e-17 * Math.abs(sum); k += 2) {
    term *= (x * x) / k
    sum += term
  }
  return sum
}

/** ln P(X > x) for x >= 2, from the continued fraction 1/(x + 1/(x + 2/(x + 3/…))). Abramowitz and Stegun 26.2.14. */
function logUpperTail(x: number): number {
  let fraction = x
  for (let k = 40 + Math.ceil(2000 / (x * x)); k > 0; k--) fraction = x + k / fraction
  return -0.5 * x * x - 0.5 * Math.log(2 * Math.PI) - Math.log(fraction)
}
