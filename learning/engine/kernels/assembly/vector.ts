/** Vector building blocks: multiply-add, exponential, sigmoid, hyperbolic tangent; the same bits on every machine. */

/** a * b + c: one rounding with relaxed SIMD where the processor has it, two with plain SIMD128. */
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c)
  return f32x4.add(f32x4.mul(a, b), c)
}

/** The four lanes added up in a fixed order. */
export function sum(v: v128): f32 {
  return f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3))
}

/** e^x to 2e-7 relative: x = n ln 2 + r, a polynomial of degree six in r, and n put into the exponent (Cephes, Moshier). */
export function exp(x: v128): v128 {
  const bounded = f32x4.max(f32x4.splat(-87.3), f32x4.min(f32x4.splat(88.3), x))
  const n = f32x4.nearest(f32x4.mul(bounded, f32x4.splat(Mathf.LOG2E)))
  let r = f32x4.sub(bounded, f32x4.mul(n, f32x4.splat(0.693359375)))
  r = f32x4.add(r, f32x4.mul(n, f32x4.splat(2.1219444e-4)))
  let p = f32x4.splat(1.98756915e-4)
  p = madd(p, r, f32x4.splat(1.3981999507e-3))
  p = madd(p, r, f32x4.splat(8.3334519073e-3))
  p = madd(p, r, f32x4.splat(4.1665795894e-2))
  p = madd(p, r, f32x4.splat(1.6666665459e-1))
  p = madd(p, r, f32x4.splat(5.0000001201e-1))
  p = madd(p, f32x4.mul(r, r), f32x4.add(r, f32x4.splat(1)))
  const scale = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(127)), 23)
  // min and max above keep NaN, the integer conversion does not: it turns into 0, and p stays NaN.
  return f32x4.mul(p, scale)
}

/** log(1 + e) for e from 0 to 1, to 2e-7: log of a number in [1, 2] by Cephes' polynomial about the nearer of 1 and 2. */
export function log1p(e: v128): v128 {
  const one = f32x4.splat(1)
  const x = f32x4.add(one, e)
  const halve = f32x4.gt(x, f32x4.splat(Mathf.SQRT2))
  // Below sqrt 2 the argument is e itself, with all its digits; above, x / 2 - 1.
  const r = v128.bitselect(f32x4.sub(f32x4.mul(x, f32x4.splat(0.5)), one), e, halve)
  const z = f32x4.mul(r, r)
  let p = f32x4.splat(7.0376836292e-2)
  p = madd(p, r, f32x4.splat(-1.151461031e-1))
  p = madd(p, r, f32x4.splat(1.167699874e-1))
  p = madd(p, r, f32x4.splat(-1.2420140846e-1))
  p = madd(p, r, f32x4.splat(1.4249322787e-1))
  p = madd(p, r, f32x4.splat(-1.6668057665e-1))
  p = madd(p, r, f32x4.splat(2.0000714765e-1))
  p = madd(p, r, f32x4.splat(-2.4999993993e-1))
  p = madd(p, r, f32x4.splat(3.3333331174e-1))
  const log = f32x4.add(f32x4.sub(f32x4.mul(f32x4.mul(p, z), r), f32x4.mul(z, f32x4.splat(0.5))), r)
  return f32x4.add(log, v128.and(f32x4.splat(Mathf.LN2), halve))
}

export function sigmoid(x: v128): v128 {
  return f32x4.div(f32x4.splat(1), f32x4.add(f32x4.splat(1), exp(f32x4.neg(x))))
}

/** Near zero 1 - 2 / (e^2x + 1) would lose its digits, so a polynomial takes over below 0.625 (Cephes, Moshier). */
export function tanh(x: v128): v128 {
  const far = f32x4.sub(f32x4.splat(1), f32x4.div(f32x4.splat(2), f32x4.add(exp(f32x4.add(x, x)), f32x4.splat(1))))
  const z = f32x4.mul(x, x)
  let p = f32x4.splat(-5.70498872745e-3)
  p = madd(p, z, f32x4.splat(2.06390887954e-2))
  p = madd(p, z, f32x4.splat(-5.37397155531e-2))
  p = madd(p, z, f32x4.splat(1.33314422036e-1))
  p = madd(p, z, f32x4.splat(-3.33332819422e-1))
  const near = madd(f32x4.mul(p, z), x, x)
  return v128.bitselect(near, far, f32x4.lt(f32x4.abs(x), f32x4.splat(0.625)))
}
