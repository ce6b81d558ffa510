/**
 * Per-example clipping without per-example gradients (Goodfellow 2015, "Efficient per-example gradient computations";
 * Lee and Kifer 2021, "Scaling up differentially private deep learning"), and normal noise for the sum.
 */

import { squaredNorm } from './optimisers'
import { log1p } from './vector'

/** squares[i] += (|x_i|^2 + 1) |dy_i|^2: row i's squared gradient norm over the kernel and the bias of a dense layer. */
export function denseNorms(
  x: usize,
  xPitch: i32,
  inputs: i32,
  dy: usize,
  yPitch: i32,
  rows: i32,
  squares: usize,
): void {
  for (let i = 0; i < rows; i++) {
    let inputNorm = squaredNorm(x, inputs & ~3)
    for (let k = inputs & ~3; k < inputs; k++) inputNorm += f64(load<f32>(x + k * 4)) * f64(load<f32>(x + k * 4))
    const norm = (inputNorm + 1) * squaredNorm(dy, yPitch >> 2)
    store<f64>(squares, load<f64>(squares) + norm)
    squares += 8
    x += xPitch
    dy += yPitch
  }
}

/** squares[row] += the squared norm of `length` numbers, a multiple of four. */
export function addSquaredNorm(g: usize, length: i32, squares: usize, row: i32): void {
  const at = squares + row * 8
  store<f64>(at, load<f64>(at) + squaredNorm(g, length))
}

/** factors[i] = min(1, bound / sqrt(squares[i])); the squares start again at zero. */
export function clipFactors(squares: usize, rows: i32, bound: f64, factors: usize): void {
  for (let i = 0; i < rows; i++) {
    const norm = sqrt(load<f64>(squares + i * 8))
    store<f64>(squares + i * 8, 0)
    store<f32>(factors + i * 4, norm > bound ? f32(bound / norm) : 1)
  }
}

/** Multiplies each of `rows` stretches of `length` numbers, a multiple of four, by its factor. */
export function scaleRows(values: usize, length: i32, rows: i32, factors: usize): void {
  for (let i = 0; i < rows; i++) {
    const factor = v128.load_splat<f32>(factors + i * 4)
    const end = values + length * 4
    for (; values < end; values += 16) v128.store(values, f32x4.mul(v128.load(values), factor))
  }
}

export function clear(values: usize, length: i32): void {
  memory.fill(values, 0, length * 4)
}

/**
 * Adds independent normal numbers of mean zero to `length` numbers, a multiple of eight, from as many random 32-bit
 * words (Box and Muller 1958). The largest number that can come out is 6.8 deviations.
 */
export function addNormals(values: usize, length: i32, words: usize, deviation: f32): void {
  const end = words + length * 4
  for (; words < end; words += 32) {
    const radius = f32x4.mul(halfNormalRadius(v128.load(words)), f32x4.splat(deviation))
    const turn = v128.load(words, 16)
    // An eighth of a turn either way by the low 30 bits; the two others choose the quarter.
    const r = f32x4.sub(
      f32x4.mul(f32x4.convert_i32x4_s(v128.and(turn, i32x4.splat(0x3fffffff))), f32x4.splat(1.4629180792671596e-9)),
      f32x4.splat(0.7853981633974483),
    )
    const swap = i32x4.shr_s(i32x4.shl(turn, 1), 31)
    const signed = v128.xor(radius, v128.and(turn, i32x4.splat(0x80000000)))
    const c = cosine(r)
    const s = sine(r)
    const first = f32x4.mul(signed, v128.bitselect(s, c, swap))
    const second = f32x4.mul(signed, v128.bitselect(c, s, swap))
    v128.store(values, f32x4.add(v128.load(values), first))
    v128.store(values, f32x4.add(v128.load(values, 16), second), 16)
    values += 32
  }
}

/** sqrt(-2 ln u) for u = word / 2^32; a word of zero counts as one half. */
function halfNormalRadius(words: v128): v128 {
  const x = f32x4.max(f32x4.convert_i32x4_u(words), f32x4.splat(0.5))
  const exponent = i32x4.sub(i32x4.shr_u(x, 23), i32x4.splat(127))
  const mantissa = v128.or(v128.and(x, i32x4.splat(0x7fffff)), i32x4.splat(0x3f800000))
  const halvings = f32x4.convert_i32x4_s(i32x4.sub(i32x4.splat(32), exponent))
  const log = f32x4.sub(f32x4.mul(halvings, f32x4.splat(Mathf.LN2)), log1p(f32x4.sub(mantissa, f32x4.splat(1))))
  return f32x4.sqrt(f32x4.mul(f32x4.max(log, f32x4.splat(0)), f32x4.splat(2)))
}

/** For |x| up to pi / 4 (Cephes, Moshier). */
function sine(x: v128): v128 {
  const z = f32x4.mul(x, x)
  let p = f32x4.splat(-1.9515295891e-4)
  p = f32x4.add(f32x4.mul(p, z), f32x4.splat(8.3321608736e-3))
  p = f32x4.add(f32x4.mul(p, z), f32x4.splat(-1.6666654611e-1))
  return f32x4.add(f32x4.mul(f32x4.mul(p, z), x), x)
}

function cosine(x: v128): v128 {
  const z = f32x4.mul(x, x)
  let p = f32x4.splat(2.443315711809948e-5)
  p = f32x4.add(f32x4.mul(p, z), f32x4.splat(-1.388731625493765e-3))
  p = f32x4.add(f32x4.mul(p, z), f32x4.splat(4.166664568298827e-2))
  return f32x4.add(f32x4.sub(f32x4.mul(f32x4.mul(p, z), z), f32x4.mul(z, f32x4.splat(0.5))), f32x4.splat(1))
}
