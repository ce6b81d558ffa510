/**
 * Matrix products over panels. A kernel of K rows and N columns is stored as ceil(N / 8) panels, each K rows of eight
 * columns, the last one filled up with zeros: so every inner loop reads it in order, whichever product it serves.
 * The left matrix is given by the byte offset of each of its rows and by segments: a row of K numbers is `segments`
 * stretches of `length` numbers, `pitch` bytes apart. A dense layer has one segment; a convolution over rows of pixels
 * has one per kernel row, and no patch is ever copied out.
 * Goto and van de Geijn 2008, "Anatomy of High-Performance Matrix Multiplication", for the tiles held in registers.
 */

import { madd, sum } from './vector'

/**
 * y = x w + bias, then max(0, .) if `relu`. Rows are computed four at a time: `rows` offsets are read, rounded up to four,
 * and y must have room for them. `block` rows go through all panels before the next ones, so that they stay in the cache.
 */
export function multiply(
  x: usize,
  offsets: usize,
  rows: i32,
  segments: i32,
  length: i32,
  pitch: i32,
  w: usize,
  bias: usize,
  y: usize,
  yPitch: i32,
  panels: i32,
  block: i32,
  relu: bool,
): void {
  const panelBytes = segments * length * 32
  const floor = f32x4.splat(relu ? 0 : -Infinity)
  for (let first = 0; first < rows; first += block) {
    const end = min(first + block, rows)
    for (let j = 0; j < panels; j++) {
      const panel = w + j * panelBytes
      const bias0 = v128.load(bias + j * 32)
      const bias1 = v128.load(bias + j * 32, 16)
      for (let i = first; i < end; i += 4) {
        const at = offsets + i * 4
        let x0 = x + load<i32>(at)
        let x1 = x + load<i32>(at, 4)
        let x2 = x + load<i32>(at, 8)
        let x3 = x + load<i32>(at, 12)
        let c00 = bias0,
          c01 = bias1,
          c10 = bias0,
          c11 = bias1
        let c20 = bias0,
          c21 = bias1,
          c30 = bias0,
          c31 = bias1
        let p = panel
        for (let s = 0; s < segments; s++) {
          const stop = p + length * 32
          while (p < stop) {
            const w0 = v128.load(p)
            const w1 = v128.load(p, 16)
            let a = v128.load_splat<f32>(x0)
            c00 = madd(a, w0, c00)
            c01 = madd(a, w1, c01)
            a = v128.load_splat<f32>(x1)
            c10 = madd(a, w0, c10)
            c11 = madd(a, w1, c11)
            a = v128.load_splat<f32>(x2)
            c20 = madd(a, w0, c20)
            c21 = madd(a, w1, c21)
            a = v128.load_splat<f32>(x3)
            c30 = madd(a, w0, c30)
            c31 = madd(a, w1, c31)
            p += 32
            x0 += 4
            x1 += 4
            x2 += 4
            x3 += 4
          }
          const skip = pitch - length * 4
          x0 += skip
          x1 += skip
          x2 += skip
          x3 += skip
        }
        let to = y + i * yPitch + j * 32
        v128.store(to, f32x4.max(c00, floor))
        v128.store(to, f32x4.max(c01, floor), 16)
        to += yPitch
        v128.store(to, f32x4.max(c10, floor))
        v128.store(to, f32x4.max(c11, floor), 16)
        to += yPitch
        v128.store(to, f32x4.max(c20, floor))
        v128.store(to, f32x4.max(c21, floor), 16)
        to += yPitch
        v128.store(to, f32x4.max(c30, floor))
        v128.store(to, f32x4.max(c31, floor), 16)
      }
    }
  }
}

/**
 * w = beta w + alpha x^T dy, summed over the rows: the gradient of a kernel, or with alpha = -rate the descent step itself.
 * `block` rows are summed in registers before they are added to w.
 */
export function accumulate(
  x: usize,
  offsets: usize,
  rows: i32,
  segments: i32,
  length: i32,
  pitch: i32,
  dy: usize,
  yPitch: i32,
  w: usize,
  panels: i32,
  block: i32,
  alpha: f32,
  beta: f32,
): void {
  for (let first = 0; first < rows; first += block) {
    const count = min(block, rows - first)
    const keep = f32x4.splat(first === 0 ? beta : 1)
    let to = w
    for (let j = 0; j < panels; j++) {
      const gradient = dy + first * yPitch + j * 32
      for (let s = 0; s < segments; s++) {
        let k = 0
        const column = x + s * pitch
        for (; k + 4 <= length; k += 4) {
          fourRows(column + k * 4, offsets + first * 4, count, gradient, yPitch, to, f32x4.splat(alpha), keep)
          to += 128
        }
        for (; k < length; k++) {
          oneRow(column + k * 4, offsets + first * 4, count, gradient, yPitch, to, f32x4.splat(alpha), keep)
          to += 32
        }
      }
    }
  }
}

/** A 4 x 8 tile of `accumulate`. */
function fourRows(
  x: usize,
  offsets: usize,
  rows: i32,
  dy: usize,
  yPitch: i32,
  to: usize,
  alpha: v128,
  beta: v128,
): void {
  let c00 = f32x4.splat(0),
    c01 = c00,
    c10 = c00,
    c11 = c00,
    c20 = c00,
    c21 = c00,
    c30 = c00,
    c31 = c00
  const end = offsets + rows * 4
  for (let at = offsets; at < end; at += 4) {
    const p = x + load<i32>(at)
    const d0 = v128.load(dy)
    const d1 = v128.load(dy, 16)
    let a = v128.load_splat<f32>(p)
    c00 = madd(a, d0, c00)
    c01 = madd(a, d1, c01)
    a = v128.load_splat<f32>(p, 4)
    c10 = madd(a, d0, c10)
    c11 = madd(a, d1, c11)
    a = v128.load_splat<f32>(p, 8)
    c20 = madd(a, d0, c20)
    c21 = madd(a, d1, c21)
    a = v128.load_splat<f32>(p, 12)
    c30 = madd(a, d0, c30)
    c31 = madd(a, d1, c31)
    dy += yPitch
  }
  blend(to, c00, alpha, beta)
  blend(to + 16, c01, alpha, beta)
  blend(to + 32, c10, alpha, beta)
  blend(to + 48, c11, alpha, beta)
  blend(to + 64, c20, alpha, beta)
  blend(to + 80, c21, alpha, beta)
  blend(to + 96, c30, alpha, beta)
  blend(to + 112, c31, alpha, beta)
}

function oneRow(x: usize, offsets: usize, rows: i32, dy: usize, yPitch: i32, to: usize, alpha: v128, beta: v128): void {
  let c0 = f32x4.splat(0),
    c1 = c0
  const end = offsets + rows * 4
  for (let at = offsets; at < end; at += 4) {
    const a = v128.load_splat<f32>(x + load<i32>(at))
    c0 = madd(a, v128.load(dy), c0)
    c1 = madd(a, v128.load(dy, 16), c1)
    dy += yPitch
  }
  blend(to, c0, alpha, beta)
  blend(to + 16, c1, alpha, beta)
}

/** With beta = 0 what stood there is not read, so that it may be anything. */
function blend(to: usize, value: v128, alpha: v128, beta: v128): void {
  const kept = f32x4.extract_lane(beta, 0) === 0 ? f32x4.splat(0) : f32x4.mul(v128.load(to), beta)
  v128.store(to, madd(value, alpha, kept))
}

/** bias = beta bias + alpha (sum of the rows of dy), panel by panel. */
export function accumulateBias(
  dy: usize,
  yPitch: i32,
  rows: i32,
  bias: usize,
  panels: i32,
  alpha: f32,
  beta: f32,
): void {
  for (let j = 0; j < panels * 2; j++) {
    let total = f32x4.splat(0)
    let at = dy + j * 16
    for (let i = 0; i < rows; i++) {
      total = f32x4.add(total, v128.load(at))
      at += yPitch
    }
    blend(bias + j * 16, total, f32x4.splat(alpha), f32x4.splat(beta))
  }
}

/** dx = dy w^T for `inputs` columns; rows are computed four at a time, and dx must have room for them. */
export function backpropagate(
  dy: usize,
  yPitch: i32,
  rows: i32,
  w: usize,
  inputs: i32,
  panels: i32,
  dx: usize,
  xPitch: i32,
): void {
  const panelBytes = inputs * 32
  for (let k = 0; k < inputs; k += 2) {
    const pair = k + 1 < inputs
    for (let i = 0; i < rows; i += 4) {
      let d = dy + i * yPitch
      let p = w + k * 32
      let c00 = f32x4.splat(0),
        c01 = c00,
        c10 = c00,
        c11 = c00,
        c20 = c00,
        c21 = c00,
        c30 = c00,
        c31 = c00
      for (let j = 0; j < panels; j++) {
        const u0 = v128.load(p)
        const u1 = v128.load(p, 16)
        const v0 = v128.load(p, 32)
        const v1 = v128.load(p, 48)
        let a = v128.load(d)
        let b = v128.load(d, 16)
        c00 = madd(a, u0, c00)
        c01 = madd(a, v0, c01)
        c00 = madd(b, u1, c00)
        c01 = madd(b, v1, c01)
        a = v128.load(d + yPitch)
        b = v128.load(d + yPitch, 16)
        c10 = madd(a, u0, c10)
        c11 = madd(a, v0, c11)
        c10 = madd(b, u1, c10)
        c11 = madd(b, v1, c11)
        a = v128.load(d + yPitch * 2)
        b = v128.load(d + yPitch * 2, 16)
        c20 = madd(a, u0, c20)
        c21 = madd(a, v0, c21)
        c20 = madd(b, u1, c20)
        c21 = madd(b, v1, c21)
        a = v128.load(d + yPitch * 3)
        b = v128.load(d + yPitch * 3, 16)
        c30 = madd(a, u0, c30)
        c31 = madd(a, v0, c31)
        c30 = madd(b, u1, c30)
        c31 = madd(b, v1, c31)
        d += 32
        p += panelBytes
      }
      const to = dx + i * xPitch + k * 4
      store<f32>(to, sum(c00))
      store<f32>(to + xPitch, sum(c10))
      store<f32>(to + xPitch * 2, sum(c20))
      store<f32>(to + xPitch * 3, sum(c30))
      if (pair) {
        store<f32>(to, sum(c01), 4)
        store<f32>(to + xPitch, sum(c11), 4)
        store<f32>(to + xPitch * 2, sum(c21), 4)
        store<f32>(to + xPitch * 3, sum(c31), 4)
      }
    }
  }
}
