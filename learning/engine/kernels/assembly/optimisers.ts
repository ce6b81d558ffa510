/**
 * Update rules over a stretch of parameters. g is the gradient; weight decay and the proximal term are added here, so
 * that every rule sees the same total: scale g + decay w + proximal (w - anchor). Lengths are multiples of four.
 */

import { madd } from './vector'

function total(g: usize, w: v128, anchor: usize, scale: f32, decay: f32, proximal: f32): v128 {
  const sum = madd(w, f32x4.splat(decay), f32x4.mul(v128.load(g), f32x4.splat(scale)))
  if (proximal === 0) return sum
  return madd(f32x4.sub(w, v128.load(anchor)), f32x4.splat(proximal), sum)
}

export function descend(
  w: usize,
  g: usize,
  anchor: usize,
  length: i32,
  rate: f32,
  scale: f32,
  decay: f32,
  proximal: f32,
): void {
  for (let i = 0; i < length * 4; i += 16) {
    const now = v128.load(w + i)
    v128.store(w + i, madd(total(g + i, now, anchor + i, scale, decay, proximal), f32x4.splat(-rate), now))
  }
}

/** v = momentum v + g; w = w - rate v. */
export function descendWithMomentum(
  w: usize,
  g: usize,
  anchor: usize,
  length: i32,
  rate: f32,
  scale: f32,
  decay: f32,
  proximal: f32,
  velocity: usize,
  momentum: f32,
): void {
  for (let i = 0; i < length * 4; i += 16) {
    const now = v128.load(w + i)
    const gradient = total(g + i, now, anchor + i, scale, decay, proximal)
    const v = madd(v128.load(velocity + i), f32x4.splat(momentum), gradient)
    v128.store(velocity + i, v)
    v128.store(w + i, madd(v, f32x4.splat(-rate), now))
  }
}

/** Adam; `unbias1` and `unbias2` are 1 / (1 - decay^step). */
export function descendWithAdam(
  w: usize,
  g: usize,
  anchor: usize,
  length: i32,
  rate: f32,
  scale: f32,
  decay: f32,
  proximal: f32,
  mean: usize,
  square: usize,
  decay1: f32,
  decay2: f32,
  unbias1: f32,
  unbias2: f32,
  epsilon: f32,
): void {
  for (let i = 0; i < length * 4; i += 16) {
    const now = v128.load(w + i)
    const gradient = total(g + i, now, anchor + i, scale, decay, proximal)
    const m = madd(v128.load(mean + i), f32x4.splat(decay1), f32x4.mul(gradient, f32x4.splat(1 - decay1)))
    const s = madd(
      v128.load(square + i),
      f32x4.splat(decay2),
      f32x4.mul(f32x4.mul(gradient, gradient), f32x4.splat(1 - decay2)),
    )
    v128.store(mean + i, m)
    v128.store(square + i, s)
    const root = f32x4.sqrt(f32x4.mul(s, f32x4.splat(unbias2)))
    const step = f32x4.div(f32x4.mul(m, f32x4.splat(unbias1)), f32x4.add(root, f32x4.splat(epsilon)))
    v128.store(w + i, madd(step, f32x4.splat(-rate), now))
  }
}

/** Sum of squares in float64; the length is a multiple of four. */
export function squaredNorm(g: usize, length: i32): f64 {
  let low = f64x2.splat(0)
  let high = f64x2.splat(0)
  const end = g + length * 4
  for (; g < end; g += 16) {
    const pair = v128.load(g)
    const first = f64x2.promote_low_f32x4(pair)
    const second = f64x2.promote_low_f32x4(v128.shuffle<i32>(pair, pair, 2, 3, 2, 3))
    low = f64x2.add(low, f64x2.mul(first, first))
    high = f64x2.add(high, f64x2.mul(second, second))
  }
  const both = f64x2.add(low, high)
  return f64x2.extract_lane(both, 0) + f64x2.extract_lane(both, 1)
}
