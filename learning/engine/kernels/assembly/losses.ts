/**
 * Losses on logits: each returns the sum of the rows' losses and writes the gradient, `scale` times dloss/dz, whose
 * columns past the last are zero. Those of classifiers leave each row's loss (float64) for `reweigh`.
 */

import { softmax } from './activations'
import { exp, log1p } from './vector'

/** log(1 + e^z) - y z. One logit a row; rows are read four at a time, and z and dz have room for that. */
export function binaryCrossEntropy(z: usize, dz: usize, pitch: i32, rows: i32, y: usize, scale: f32, each: usize): f64 {
  let total: f64 = 0
  for (let i = 0; i < rows; i += 4) {
    const logits = column(z, pitch)
    const labels = v128.load(y)
    const e = exp(f32x4.neg(f32x4.abs(logits)))
    const upper = f32x4.div(f32x4.splat(1), f32x4.add(f32x4.splat(1), e))
    const p = v128.bitselect(upper, f32x4.mul(e, upper), f32x4.ge(logits, f32x4.splat(0)))
    const loss = f32x4.sub(f32x4.add(f32x4.max(logits, f32x4.splat(0)), log1p(e)), f32x4.mul(labels, logits))
    const slope = f32x4.mul(f32x4.sub(p, labels), f32x4.splat(scale))
    v128.store(scratch, loss)
    v128.store(scratch, slope, 16)
    for (let lane = 0; lane < min(4, rows - i); lane++) {
      const one = f64(load<f32>(scratch + lane * 4))
      store<f64>(each, one)
      each += 8
      total += one
      for (let c = 0; c < pitch; c += 16) v128.store(dz + c, f32x4.splat(0))
      store<f32>(dz, load<f32>(scratch + lane * 4, 16))
      dz += pitch
    }
    z += pitch * 4
    y += 16
  }
  return total
}

/** Eight numbers to take vectors apart in. */
const scratch: usize = memory.data(32, 16)

/** The first numbers of four rows. */
function column(z: usize, pitch: i32): v128 {
  let v = f32x4.splat(load<f32>(z))
  v = f32x4.replace_lane(v, 1, load<f32>(z + pitch))
  v = f32x4.replace_lane(v, 2, load<f32>(z + pitch * 2))
  return f32x4.replace_lane(v, 3, load<f32>(z + pitch * 3))
}

/** -log softmax(z)[y]. */
export function crossEntropy(
  z: usize,
  dz: usize,
  pitch: i32,
  rows: i32,
  columns: i32,
  y: usize,
  scale: f32,
  each: usize,
): f64 {
  softmax(z, pitch, rows, columns, dz)
  let total: f64 = 0
  for (let i = 0; i < rows; i++) {
    const label = i32(load<f32>(y)) * 4
    const one = logSum(z, columns) - f64(load<f32>(z + label))
    store<f64>(each, one)
    each += 8
    total += one
    store<f32>(dz + label, load<f32>(dz + label) - 1)
    for (let c = 0; c < pitch; c += 16) v128.store(dz + c, f32x4.mul(v128.load(dz + c), f32x4.splat(scale)))
    z += pitch
    dz += pitch
    y += 4
  }
  return total
}

/** log of the sum of e^z over one row, in float64: the loss is reported, so it keeps its digits. */
function logSum(z: usize, columns: i32): f64 {
  let highest: f64 = load<f32>(z)
  for (let c = 1; c < columns; c++) highest = max(highest, f64(load<f32>(z + c * 4)))
  let total: f64 = 0
  for (let c = 0; c < columns; c++) total += NativeMath.exp(f64(load<f32>(z + c * 4)) - highest)
  return highest + NativeMath.log(total)
}

/**
 * Class weights and focal loss (Lin et al. 2017, eq. 5), after a cross-entropy l: with p = e^-l the probability of the
 * row's class, its loss becomes w (1 - p)^focal l and its gradient w ((1 - p)^focal + focal p (1 - p)^(focal - 1) l)
 * times what it was. `weights` holds one number a class. Returns the new sum.
 */
export function reweigh(each: usize, dz: usize, pitch: i32, rows: i32, y: usize, weights: usize, focal: f64): f64 {
  let total: f64 = 0
  for (let i = 0; i < rows; i++) {
    const loss = load<f64>(each)
    const weight = f64(load<f32>(weights + i32(load<f32>(y)) * 4))
    let share: f64 = 1
    let slope: f64 = 1
    if (focal > 0) {
      const p = NativeMath.exp(-loss)
      // A row that is certain has neither loss nor slope; for focal < 1 the power below would be infinite.
      const miss = max(-NativeMath.expm1(-loss), 1e-12)
      share = NativeMath.pow(miss, focal)
      slope = share + focal * p * (share / miss) * loss
    }
    total += weight * share * loss
    const factor = f32x4.splat(f32(weight * slope))
    for (let c = 0; c < pitch; c += 16) v128.store(dz + c, f32x4.mul(v128.load(dz + c), factor))
    each += 8
    dz += pitch
    y += 4
  }
  return total
}

/** (z - y)^2, averaged over the columns. */
export function meanSquaredError(z: usize, dz: usize, pitch: i32, rows: i32, columns: i32, y: usize, scale: f32): f64 {
  let total: f64 = 0
  const slope = (scale + scale) / f32(columns)
  for (let i = 0; i < rows; i++) {
    for (let c = columns * 4; c < pitch; c += 4) store<f32>(dz + c, 0)
    for (let c = 0; c < columns * 4; c += 4) {
      const difference = load<f32>(z + c) - load<f32>(y + c)
      total += f64(difference) * f64(difference)
      store<f32>(dz + c, difference * slope)
    }
    z += pitch
    dz += pitch
    y += columns * 4
  }
  return total / f64(columns)
}
