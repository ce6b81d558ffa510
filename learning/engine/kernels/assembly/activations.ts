/** Activations in place, and their derivatives from the activations' own values. Lengths are multiples of four. */

import { exp, log1p, sigmoid, tanh } from './vector'

export function sigmoidForward(y: usize, length: i32): void {
  const end = y + length * 4
  for (; y < end; y += 16) v128.store(y, sigmoid(v128.load(y)))
}

export function tanhForward(y: usize, length: i32): void {
  const end = y + length * 4
  for (; y < end; y += 16) v128.store(y, tanh(v128.load(y)))
}

export function reluForward(y: usize, length: i32): void {
  const end = y + length * 4
  for (; y < end; y += 16) v128.store(y, f32x4.max(v128.load(y), f32x4.splat(0)))
}

/** dy = dy where y > 0, else 0. */
export function reluBackward(y: usize, dy: usize, length: i32): void {
  for (let i = 0; i < length * 4; i += 16) {
    v128.store(dy + i, v128.and(v128.load(dy + i), f32x4.gt(v128.load(y + i), f32x4.splat(0))))
  }
}

export function leakyReluForward(y: usize, length: i32, slope: f32): void {
  const end = y + length * 4
  for (; y < end; y += 16) {
    const v = v128.load(y)
    v128.store(y, v128.bitselect(v, f32x4.mul(v, f32x4.splat(slope)), f32x4.gt(v, f32x4.splat(0))))
  }
}

/** dy = dy where y > 0, else slope dy. */
export function leakyReluBackward(y: usize, dy: usize, length: i32, slope: f32): void {
  for (let i = 0; i < length * 4; i += 16) {
    const g = v128.load(dy + i)
    const above = f32x4.gt(v128.load(y + i), f32x4.splat(0))
    v128.store(dy + i, v128.bitselect(g, f32x4.mul(g, f32x4.splat(slope)), above))
  }
}

/** x above zero, e^x - 1 below (Clevert et al. 2016). */
export function eluForward(y: usize, length: i32): void {
  const end = y + length * 4
  for (; y < end; y += 16) {
    const v = v128.load(y)
    v128.store(y, v128.bitselect(v, f32x4.sub(exp(v), f32x4.splat(1)), f32x4.gt(v, f32x4.splat(0))))
  }
}

/** dy = dy where y > 0, else dy (y + 1). */
export function eluBackward(y: usize, dy: usize, length: i32): void {
  for (let i = 0; i < length * 4; i += 16) {
    const g = v128.load(dy + i)
    const value = v128.load(y + i)
    const below = f32x4.mul(g, f32x4.add(value, f32x4.splat(1)))
    v128.store(dy + i, v128.bitselect(g, below, f32x4.gt(value, f32x4.splat(0))))
  }
}

/** log(1 + e^x), as max(x, 0) + log(1 + e^-|x|). */
export function softplusForward(y: usize, length: i32): void {
  const end = y + length * 4
  for (; y < end; y += 16) {
    const v = v128.load(y)
    v128.store(y, f32x4.add(f32x4.max(v, f32x4.splat(0)), log1p(exp(f32x4.neg(f32x4.abs(v))))))
  }
}

/** dy = dy (1 - e^-y). */
export function softplusBackward(y: usize, dy: usize, length: i32): void {
  for (let i = 0; i < length * 4; i += 16) {
    const slope = f32x4.sub(f32x4.splat(1), exp(f32x4.neg(v128.load(y + i))))
    v128.store(dy + i, f32x4.mul(v128.load(dy + i), slope))
  }
}

/** dy = dy y (1 - y). */
export function sigmoidBackward(y: usize, dy: usize, length: i32): void {
  for (let i = 0; i < length * 4; i += 16) {
    const value = v128.load(y + i)
    v128.store(dy + i, f32x4.mul(v128.load(dy + i), f32x4.mul(value, f32x4.sub(f32x4.splat(1), value))))
  }
}

/** dy = dy (1 - y^2). */
export function tanhBackward(y: usize, dy: usize, length: i32): void {
  for (let i = 0; i < length * 4; i += 16) {
    const value = v128.load(y + i)
    v128.store(dy + i, f32x4.mul(v128.load(dy + i), f32x4.sub(f32x4.splat(1), f32x4.mul(value, value))))
  }
}

/** Probabilities from logits, row by row; columns past the last become zero. `pitch` is a multiple of 16 bytes. */
export function softmax(z: usize, pitch: i32, rows: i32, columns: i32, p: usize): void {
  for (let i = 0; i < rows; i++) {
    let highest: f32 = load<f32>(z)
    for (let c = 1; c < columns; c++) highest = max(highest, load<f32>(z + c * 4))
    let total: f32 = 0
    for (let c = 0; c < pitch; c += 16) v128.store(p + c, exp(f32x4.sub(v128.load(z + c), f32x4.splat(highest))))
    for (let c = columns * 4; c < pitch; c += 4) store<f32>(p + c, 0)
    for (let c = 0; c < columns; c++) total += load<f32>(p + c * 4)
    for (let c = 0; c < pitch; c += 16) v128.store(p + c, f32x4.div(v128.load(p + c), f32x4.splat(total)))
    z += pitch
    p += pitch
  }
}
