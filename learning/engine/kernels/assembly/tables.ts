/** Embedding tables in panels (see products.ts), and dropout. */

/** y = the rows of the table named by x, one a pixel. */
export function embed(x: usize, count: i32, table: usize, rows: i32, width: i32, y: usize, yPitch: i32): void {
  for (let i = 0; i < count; i++) {
    const row = i32(load<f32>(x + i * 4))
    for (let c = 0; c < width; c++) {
      store<f32>(y + i * yPitch + c * 4, load<f32>(table + ((c >> 3) * rows + row) * 32 + (c & 7) * 4))
    }
  }
}

/** table = beta table, then the named rows += alpha dy. */
export function accumulateRows(
  x: usize,
  count: i32,
  table: usize,
  rows: i32,
  width: i32,
  dy: usize,
  yPitch: i32,
  alpha: f32,
  beta: f32,
): void {
  const end = table + ((width + 7) >> 3) * rows * 32
  if (beta === 0) memory.fill(table, 0, end - table)
  else if (beta !== 1) {
    for (let at = table; at < end; at += 16) v128.store(at, f32x4.mul(v128.load(at), f32x4.splat(beta)))
  }
  for (let i = 0; i < count; i++) {
    const row = i32(load<f32>(x + i * 4))
    for (let c = 0; c < width; c++) {
      const at = table + ((c >> 3) * rows + row) * 32 + (c & 7) * 4
      store<f32>(at, load<f32>(at) + alpha * load<f32>(dy + i * yPitch + c * 4))
    }
  }
}

/** squares[e] += the squared gradient norm of the table: over pairs of positions that name the same row, dy dy'. */
export function tableNorms(
  x: usize,
  examples: i32,
  positions: i32,
  width: i32,
  dy: usize,
  yPitch: i32,
  squares: usize,
): void {
  for (let e = 0; e < examples; e++) {
    let total: f64 = 0
    for (let p = e * positions; p < (e + 1) * positions; p++) {
      for (let q = e * positions; q < (e + 1) * positions; q++) {
        if (load<f32>(x + p * 4) !== load<f32>(x + q * 4)) continue
        for (let c = 0; c < width; c++) {
          total += f64(load<f32>(dy + p * yPitch + c * 4)) * f64(load<f32>(dy + q * yPitch + c * 4))
        }
      }
    }
    store<f64>(squares + e * 8, load<f64>(squares + e * 8) + total)
  }
}

/**
 * y = 0 where the hash of (seed, place) is below `threshold`, else x `factor`; also its own way back. Places count the
 * numbers without the room between pixels, so that every engine drops the same ones.
 */
export function dropout(
  x: usize,
  xPitch: i32,
  pixels: i32,
  channels: i32,
  seed: u32,
  threshold: u32,
  factor: f32,
  y: usize,
  yPitch: i32,
): void {
  let place: u32 = 0
  for (let p = 0; p < pixels; p++) {
    for (let c = 0; c < channels; c++) {
      const kept = hash(seed, place++) >= threshold
      store<f32>(y + p * yPitch + c * 4, kept ? load<f32>(x + p * xPitch + c * 4) * factor : 0)
    }
  }
}

/** The finaliser of MurmurHash3 (Appleby). */
function hash(seed: u32, place: u32): u32 {
  let h = place * 0x9e3779b1 + seed
  h = (h ^ (h >> 16)) * 0x85ebca6b
  h = (h ^ (h >> 13)) * 0xc2b2ae35
  return h ^ (h >> 16)
}
