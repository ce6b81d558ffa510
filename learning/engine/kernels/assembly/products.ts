/**
 * Matrix products over panels. A kernel of K rows and N columns is stored as ceil(N / 8) panels, each K rows of eight
 * columns, the last one filled up with zeros: so every inner loop reads it in order, whichever product it serves.
 * The left matrix is given by the byte offset of each of its rows and by segments: a row of K numbers is `segments`
 * stretches of `length` numbers, `pitch` bytes apart. A dense layer has one segment; a convolution over rows of pixels
 * has one per kernel row, and no patch is ever copied out.
 * Goto and van de Geijn 2008, "Anatomy of High-Performance Matrix Multiplication", for the tiles held in registers.
 */

import { madd } from './vector'

/**
 * y = x w + bias, or with `more` y = y + x w; then max(0, .) if `relu`. Rows are computed four at a time: `rows` offsets are
 * read, rounded up to four, and y must have room for them. `block` rows go through all panels before the next ones, so that
 * they stay in the cache. `panelBytes` from panel to panel: a call may take some of the rows of w only.
 */
export function multiply(
  x: usize,
  offsets: usize,
  rows: i32,
  segments: i32,
  length: i32,
  pitch: i32,
  w: usize,
  panelBytes: i32,
  bias: usize,
  y: usize,
  yPitch: i32,
  panels: i32,
  block: i32,
  more: bool,
  relu: bool,
): void {
  // pmax is one instruction where max is seven, and keeps NaN as long as the floor stands second.
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
        let to = y + i * yPitch + j * 32
        if (more) {
          c00 = v128.load(to)
          c01 = v128.load(to, 16)
          c10 = v128.load(to + yPitch)
          c11 = v128.load(to + yPitch, 16)
          c20 = v128.load(to + yPitch * 2)
          c21 = v128.load(to + yPitch * 2, 16)
          c30 = v128.load(to + yPitch * 3)
          c31 = v128.load(to + yPitch * 3, 16)
        }
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
        v128.store(to, f32x4.pmax(c00, floor))
        v128.store(to, f32x4.pmax(c01, floor), 16)
        to += yPitch
        v128.store(to, f32x4.pmax(c10, floor))
        v128.store(to, f32x4.pmax(c11, floor), 16)
        to += yPitch
        v128.store(to, f32x4.pmax(c20, floor))
        v128.store(to, f32x4.pmax(c21, floor), 16)
        to += yPitch
        v128.store(to, f32x4.pmax(c30, floor))
        v128.store(to, f32x4.pmax(c31, floor), 16)
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
    const at = offsets + first * 4
    const end = at + min(block, rows - first) * 4
    const keep = first === 0 ? beta : 1
    let to = w
    for (let j = 0; j < panels; j++) {
      const gradient = dy + first * yPitch + j * 32
      for (let s = 0; s < segments; s++) {
        const column = x + s * pitch
        let k = 0
        for (; k + 4 <= length; k += 4) {
          fourRows(column + k * 4, at, end, gradient, yPitch, to, alpha, keep)
          to += 128
        }
        for (; k < length; k++) {
          oneRow(column + k * 4, at, end, gradient, yPitch, to, alpha, keep)
          to += 32
        }
      }
    }
  }
}

/** A 4 x 8 tile of `accumulate`, over the rows whose offsets stand from `at` to `end`. */
function fourRows(x: usize, at: usize, end: usize, dy: usize, yPitch: i32, to: usize, alpha: f32, beta: f32): void {
  let c00 = f32x4.splat(0),
    c01 = c00,
    c10 = c00,
    c11 = c00,
    c20 = c00,
    c21 = c00,
    c30 = c00,
    c31 = c00
  for (; at < end; at += 4) {
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
  blend(to, c00, c01, alpha, beta)
  blend(to + 32, c10, c11, alpha, beta)
  blend(to + 64, c20, c21, alpha, beta)
  blend(to + 96, c30, c31, alpha, beta)
}

function oneRow(x: usize, at: usize, end: usize, dy: usize, yPitch: i32, to: usize, alpha: f32, beta: f32): void {
  let c0 = f32x4.splat(0),
    c1 = c0
  for (; at < end; at += 4) {
    const a = v128.load_splat<f32>(x + load<i32>(at))
    c0 = madd(a, v128.load(dy), c0)
    c1 = madd(a, v128.load(dy, 16), c1)
    dy += yPitch
  }
  blend(to, c0, c1, alpha, beta)
}

/** With beta = 0 what stood there is not read, so that it may be anything. */
function blend(to: usize, low: v128, high: v128, alpha: f32, beta: f32): void {
  let keep0 = f32x4.splat(0),
    keep1 = keep0
  if (beta !== 0) {
    keep0 = f32x4.mul(v128.load(to), f32x4.splat(beta))
    keep1 = f32x4.mul(v128.load(to, 16), f32x4.splat(beta))
  }
  v128.store(to, madd(low, f32x4.splat(alpha), keep0))
  v128.store(to, madd(high, f32x4.splat(alpha), keep1), 16)
}

/** bias = beta bias + alpha (sum of the rows of dy), panel by panel; a few rows at a time, so that they are read once. */
export function accumulateBias(
  dy: usize,
  yPitch: i32,
  rows: i32,
  bias: usize,
  panels: i32,
  alpha: f32,
  beta: f32,
): void {
  for (let first = 0; first < rows; first += 64) {
    const end = dy + min(64, rows - first) * yPitch
    for (let j = 0; j < panels * 32; j += 32) {
      let low = f32x4.splat(0)
      let high = f32x4.splat(0)
      for (let at = dy + j; at < end; at += yPitch) {
        low = f32x4.add(low, v128.load(at))
        high = f32x4.add(high, v128.load(at, 16))
      }
      blend(bias + j, low, high, alpha, first === 0 ? beta : 1)
    }
    dy = end
  }
}

const zeros: usize = memory.data(32, 16)

/**
 * dx = dy w^T, eight columns of dx at a time, for which eight rows of w are turned into a panel in `turned`, of as many
 * numbers as eight rows of w. `offsets` are those of the rows of dy, and dx has room for multiples of four rows and eight
 * columns; those past `inputs` become zero.
 */
export function backpropagate(
  dy: usize,
  offsets: usize,
  rows: i32,
  w: usize,
  inputs: i32,
  panels: i32,
  dx: usize,
  xPitch: i32,
  turned: usize,
): void {
  for (let k = 0; k < inputs; k += 8) {
    let to = turned
    for (let j = 0; j < panels; j++) {
      turnBlock(w + (j * inputs + k) * 32, min(8, inputs - k), to)
      to += 256
    }
    multiply(dy, offsets, rows, 1, panels * 8, 0, turned, 0, zeros, dx + k * 4, xPitch, 1, rows, false, false)
  }
}

/** The transpose of up to eight rows of eight numbers; missing rows count as zeros. */
function turnBlock(from: usize, rows: i32, to: usize): void {
  if (rows < 8) {
    memory.fill(to, 0, 256)
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < 8; c++) store<f32>(to + c * 32 + r * 4, load<f32>(from + r * 32 + c * 4))
    }
    return
  }
  for (let half: usize = 0; half < 32; half += 16) {
    turnQuarter(from + half, to + half * 8)
    turnQuarter(from + half + 128, to + half * 8 + 16)
  }
}

/** Four by four numbers in rows of 32 bytes. */
function turnQuarter(from: usize, to: usize): void {
  const r0 = v128.load(from)
  const r1 = v128.load(from, 32)
  const r2 = v128.load(from, 64)
  const r3 = v128.load(from, 96)
  const low01 = v128.shuffle<i32>(r0, r1, 0, 4, 1, 5)
  const high01 = v128.shuffle<i32>(r0, r1, 2, 6, 3, 7)
  const low23 = v128.shuffle<i32>(r2, r3, 0, 4, 1, 5)
  const high23 = v128.shuffle<i32>(r2, r3, 2, 6, 3, 7)
  v128.store(to, v128.shuffle<i64>(low01, low23, 0, 2))
  v128.store(to, v128.shuffle<i64>(low01, low23, 1, 3), 32)
  v128.store(to, v128.shuffle<i64>(high01, high23, 0, 2), 64)
  v128.store(to, v128.shuffle<i64>(high01, high23, 1, 3), 96)
}
