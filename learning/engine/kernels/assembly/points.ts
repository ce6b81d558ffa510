/**
 * Polynomials in eight points: 0, 1, -1, 2, -2, 1/2, -1/2 and infinity, four at a time. Of the matrices of Lavin and Gray
 * 2016 (see winograd.ts) `sample` is B^T with the divisors of G in it, `evaluate` is A or G without them, `collect` A^T or
 * G^T. `step` and `stride` are the bytes from number to number, read and written.
 */

import { madd } from './vector'

export const points = 8

/** Eight lines of eight numbers, `step` bytes apart, to their values in the points. */
export function sample(from: usize, step: usize, fromLine: usize, to: usize, stride: usize, toLine: usize): void {
  for (let line = 0; line < points; line++) {
    const d1 = v128.load(from + step)
    const d2 = v128.load(from + step * 2)
    const d3 = v128.load(from + step * 3)
    const d4 = v128.load(from + step * 4)
    const d5 = v128.load(from + step * 5)
    const d6 = v128.load(from + step * 6)
    const first = f32x4.sub(v128.load(from), d6)
    v128.store(to, madd(f32x4.sub(d4, d2), f32x4.splat(5.25), first))
    let even = madd(d4, f32x4.splat(-4.25), f32x4.add(d2, d6))
    let odd = madd(d3, f32x4.splat(-4.25), f32x4.add(d1, d5))
    pair(even, odd, f32x4.splat(-2 / 9.0), to + stride, stride)
    even = madd(d2, f32x4.splat(0.25), madd(d4, f32x4.splat(-1.25), d6))
    odd = madd(d5, f32x4.splat(2), madd(d3, f32x4.splat(-2.5), f32x4.mul(d1, f32x4.splat(0.5))))
    pair(even, odd, f32x4.splat(1 / 90.0), to + stride * 3, stride)
    even = madd(d2, f32x4.splat(4), madd(d4, f32x4.splat(-5), d6))
    odd = madd(d5, f32x4.splat(0.5), madd(d3, f32x4.splat(-2.5), f32x4.add(d1, d1)))
    pair(even, odd, f32x4.splat(32 / 45.0), to + stride * 5, stride)
    const last = f32x4.sub(v128.load(from + step * 7), d1)
    v128.store(to + stride * 7, madd(f32x4.sub(d3, d5), f32x4.splat(5.25), last))
    from += fromLine
    to += toLine
  }
}

/** Values in a point and in its negative. */
function pair(even: v128, odd: v128, factor: v128, to: usize, stride: usize): void {
  v128.store(to, f32x4.mul(f32x4.add(even, odd), factor))
  v128.store(to + stride, f32x4.mul(f32x4.sub(even, odd), factor))
}

/** Lines of `count` (3 to 6) coefficients to the values of their polynomials in the points. */
export function evaluate(
  count: i32,
  lines: i32,
  from: usize,
  step: usize,
  fromLine: usize,
  to: usize,
  stride: usize,
  toLine: usize,
): void {
  const zero = f32x4.splat(0)
  for (let line = 0; line < lines; line++) {
    const c0 = v128.load(from)
    const c1 = v128.load(from + step)
    const c2 = v128.load(from + step * 2)
    const c3 = count > 3 ? v128.load(from + step * 3) : zero
    const c4 = count > 4 ? v128.load(from + step * 4) : zero
    const c5 = count > 5 ? v128.load(from + step * 5) : zero
    v128.store(to, c0)
    both(f32x4.add(f32x4.add(c0, c2), c4), f32x4.add(f32x4.add(c1, c3), c5), to + stride, stride)
    let even = madd(madd(c4, f32x4.splat(4), c2), f32x4.splat(4), c0)
    let odd = madd(madd(c5, f32x4.splat(4), c3), f32x4.splat(8), f32x4.add(c1, c1))
    both(even, odd, to + stride * 3, stride)
    even = madd(madd(c4, f32x4.splat(0.25), c2), f32x4.splat(0.25), c0)
    odd = madd(madd(c5, f32x4.splat(0.25), c3), f32x4.splat(0.125), f32x4.mul(c1, f32x4.splat(0.5)))
    both(even, odd, to + stride * 5, stride)
    v128.store(to + stride * 7, v128.load(from + step * (count - 1)))
    from += fromLine
    to += toLine
  }
}

function both(even: v128, odd: v128, to: usize, stride: usize): void {
  v128.store(to, f32x4.add(even, odd))
  v128.store(to + stride, f32x4.sub(even, odd))
}

/** The transpose of `evaluate`: lines of eight values to `count` sums. */
export function collect(
  count: i32,
  lines: i32,
  from: usize,
  step: usize,
  fromLine: usize,
  to: usize,
  stride: usize,
  toLine: usize,
): void {
  for (let line = 0; line < lines; line++) {
    let a = v128.load(from + step)
    let b = v128.load(from + step * 2)
    const even1 = f32x4.add(a, b)
    const odd1 = f32x4.sub(a, b)
    a = v128.load(from + step * 3)
    b = v128.load(from + step * 4)
    const even2 = f32x4.add(a, b)
    const odd2 = f32x4.sub(a, b)
    a = v128.load(from + step * 5)
    b = v128.load(from + step * 6)
    const even3 = f32x4.add(a, b)
    const odd3 = f32x4.sub(a, b)
    v128.store(to, f32x4.add(f32x4.add(v128.load(from), even1), f32x4.add(even2, even3)))
    v128.store(to + stride, madd(odd3, f32x4.splat(0.5), madd(odd2, f32x4.splat(2), odd1)))
    let next = madd(even3, f32x4.splat(0.25), madd(even2, f32x4.splat(4), even1))
    if (count > 3) {
      v128.store(to + stride * 2, next)
      next = madd(odd3, f32x4.splat(0.125), madd(odd2, f32x4.splat(8), odd1))
    }
    if (count > 4) {
      v128.store(to + stride * 3, next)
      next = madd(even3, f32x4.splat(0.0625), madd(even2, f32x4.splat(16), even1))
    }
    if (count > 5) {
      v128.store(to + stride * 4, next)
      next = madd(odd3, f32x4.splat(0.03125), madd(odd2, f32x4.splat(32), odd1))
    }
    v128.store(to + stride * (count - 1), f32x4.add(next, v128.load(from + step * 7)))
    from += fromLine
    to += toLine
  }
}
