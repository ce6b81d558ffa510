/**
 * Losses on logits: each returns the sum of the rows' losses and writes the gradient of their mean, `scale` times
 * dloss/dz. The gradient's columns past the last are zero.
 */

import { softmax } from './activations'
import { sigmoid } from './vector'

/** log(1 + e^z) - y z. One logit a row. */
export function binaryCrossEntropy(z: usize, dz: usize, pitch: i32, rows: i32, y: usize, scale: f32): f64 {
  let total: f64 = 0
  for (let i = 0; i < rows; i++) {
    const logit = load<f32>(z)
    const label = load<f32>(y)
    const p = f32x4.extract_lane(sigmoid(f32x4.splat(logit)), 0)
    total += f64(max(logit, 0)) - f64(label) * f64(logit) + log1p(-abs(f64(logit)))
    for (let c = 4; c < pitch; c += 4) store<f32>(dz + c, 0)
    store<f32>(dz, (p - label) * scale)
    z += pitch
    dz += pitch
    y += 4
  }
  return total
}

/** log(1 + e^x) for x <= 0. */
function log1p(x: f64): f64 {
  return NativeMath.log1p(NativeMath.exp(x))
}

/** -log softmax(z)[y]. */
export function crossEntropy(z: usize, dz: usize, pitch: i32, rows: i32, columns: i32, y: usize, scale: f32): f64 {
  softmax(z, pitch, rows, columns, dz)
  let total: f64 = 0
  for (let i = 0; i < rows; i++) {
    const label = i32(load<f32>(y)) * 4
    total += logSum(z, columns) - f64(load<f32>(z + label))
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
