/**
 * Batch normalisation: each channel is brought to mean 0 and variance 1 over the positions of all examples of a batch
 * (Ioffe and Szegedy 2015, algorithm 1). Four channels at once; `length` of them, a multiple of four, stand in each of
 * the vectors, and pixels are `xPitch` and `yPitch` bytes apart.
 */

const epsilon: f32 = 1e-5

/** Mean and variance over `count` positions, summed in float64. */
export function moments(x: usize, xPitch: i32, count: i32, length: i32, mean: usize, variance: usize): void {
  for (let c = 0; c < length * 4; c += 16) {
    const level = average(x + c, xPitch, count, f32x4.splat(0), false)
    v128.store(mean + c, level)
    v128.store(variance + c, average(x + c, xPitch, count, level, true))
  }
}

/** The mean of x - level, or of its square. */
function average(x: usize, pitch: i32, count: i32, level: v128, squared: bool): v128 {
  let low = f64x2.splat(0)
  let high = f64x2.splat(0)
  for (let i = 0; i < count; i++) {
    let value = f32x4.sub(v128.load(x), level)
    if (squared) value = f32x4.mul(value, value)
    low = f64x2.add(low, f64x2.promote_low_f32x4(value))
    high = f64x2.add(high, f64x2.promote_low_f32x4(v128.shuffle<i32>(value, value, 2, 3, 2, 3)))
    x += pitch
  }
  const share = f64x2.splat(1 / f64(count))
  const first = f32x4.demote_f64x2_zero(f64x2.mul(low, share))
  const second = f32x4.demote_f64x2_zero(f64x2.mul(high, share))
  return v128.shuffle<i64>(first, second, 0, 2)
}

/** running = keep running + (1 - keep) batch. */
export function follow(running: usize, batch: usize, length: i32, keep: f32): void {
  for (let c = 0; c < length * 4; c += 16) {
    const kept = f32x4.mul(v128.load(running + c), f32x4.splat(keep))
    v128.store(running + c, f32x4.add(kept, f32x4.mul(v128.load(batch + c), f32x4.splat(1 - keep))))
  }
}

/** 1 / deviation; a variance that noise on the parameters made negative counts as none. */
function sharpness(variance: v128): v128 {
  const positive = f32x4.max(variance, f32x4.splat(0))
  return f32x4.div(f32x4.splat(1), f32x4.sqrt(f32x4.add(positive, f32x4.splat(epsilon))))
}

export function normaliseChannels(
  x: usize,
  xPitch: i32,
  count: i32,
  length: i32,
  mean: usize,
  variance: usize,
  scale: usize,
  shift: usize,
  y: usize,
  yPitch: i32,
): void {
  for (let c = 0; c < length * 4; c += 16) {
    const level = v128.load(mean + c)
    const sharp = sharpness(v128.load(variance + c))
    const factor = v128.load(scale + c)
    const offset = v128.load(shift + c)
    for (let i = 0; i < count; i++) {
      const normal = f32x4.mul(f32x4.sub(v128.load(x + i * xPitch + c), level), sharp)
      v128.store(y + i * yPitch + c, f32x4.add(f32x4.mul(normal, factor), offset))
    }
  }
}

/** dx = sharpness scale (dy - mean(dy) - n mean(dy n)) with n the normalised numbers. */
export function normaliseChannelsBackward(
  x: usize,
  xPitch: i32,
  count: i32,
  length: i32,
  mean: usize,
  variance: usize,
  scale: usize,
  dy: usize,
  yPitch: i32,
  dx: usize,
): void {
  for (let c = 0; c < length * 4; c += 16) {
    const level = v128.load(mean + c)
    const sharp = sharpness(v128.load(variance + c))
    const factor = f32x4.mul(sharp, v128.load(scale + c))
    const share = f32x4.splat(1 / f32(count))
    const base = average(dy + c, yPitch, count, f32x4.splat(0), false)
    const tilt = f32x4.mul(along(x + c, xPitch, count, level, sharp, dy + c, yPitch), share)
    for (let i = 0; i < count; i++) {
      const normal = f32x4.mul(f32x4.sub(v128.load(x + i * xPitch + c), level), sharp)
      const rest = f32x4.sub(f32x4.sub(v128.load(dy + i * yPitch + c), base), f32x4.mul(normal, tilt))
      v128.store(dx + i * xPitch + c, f32x4.mul(rest, factor))
    }
  }
}

/** The sum of dy n. */
function along(x: usize, xPitch: i32, count: i32, level: v128, sharp: v128, dy: usize, yPitch: i32): v128 {
  let low = f64x2.splat(0)
  let high = f64x2.splat(0)
  for (let i = 0; i < count; i++) {
    const normal = f32x4.mul(f32x4.sub(v128.load(x + i * xPitch), level), sharp)
    const value = f32x4.mul(normal, v128.load(dy + i * yPitch))
    low = f64x2.add(low, f64x2.promote_low_f32x4(value))
    high = f64x2.add(high, f64x2.promote_low_f32x4(v128.shuffle<i32>(value, value, 2, 3, 2, 3)))
  }
  return v128.shuffle<i64>(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 2)
}

/** scale = beta scale + alpha sum(dy n). The shift's gradient is that of a bias. */
export function accumulateScale(
  x: usize,
  xPitch: i32,
  count: i32,
  length: i32,
  mean: usize,
  variance: usize,
  dy: usize,
  yPitch: i32,
  scale: usize,
  alpha: f32,
  beta: f32,
): void {
  for (let c = 0; c < length * 4; c += 16) {
    const sharp = sharpness(v128.load(variance + c))
    const total = along(x + c, xPitch, count, v128.load(mean + c), sharp, dy + c, yPitch)
    const kept = beta === 0 ? f32x4.splat(0) : f32x4.mul(v128.load(scale + c), f32x4.splat(beta))
    v128.store(scale + c, f32x4.add(kept, f32x4.mul(total, f32x4.splat(alpha))))
  }
}
