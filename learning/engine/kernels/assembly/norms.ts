/**
 * Normalisation within an example: blocks of `each` positions by channels / groups are brought to mean 0 and variance 1,
 * then scaled and shifted by channel. `each` = pixels is group norm (Wu and He 2018); `each` = 1 with one group is layer
 * norm (Ba, Kiros and Hinton 2016). Pitches are bytes from pixel to pixel; `stats` holds mean and 1 / deviation a block.
 */

const epsilon: f64 = 1e-5

export function normalise(
  x: usize,
  xPitch: i32,
  examples: i32,
  pixels: i32,
  each: i32,
  channels: i32,
  groups: i32,
  scale: usize,
  shift: usize,
  y: usize,
  yPitch: i32,
  stats: usize,
): void {
  const width = channels / groups
  for (let first = 0; first < examples * pixels; first += each) {
    for (let start = 0; start < channels; start += width) {
      const count = f64(each * width)
      let total: f64 = 0
      for (let p = first; p < first + each; p++) {
        for (let c = start; c < start + width; c++) total += f64(load<f32>(x + p * xPitch + c * 4))
      }
      const mean = total / count
      let squares: f64 = 0
      for (let p = first; p < first + each; p++) {
        for (let c = start; c < start + width; c++) {
          const difference = f64(load<f32>(x + p * xPitch + c * 4)) - mean
          squares += difference * difference
        }
      }
      const sharpness = 1 / sqrt(squares / count + epsilon)
      store<f32>(stats, f32(mean))
      store<f32>(stats, f32(sharpness), 4)
      stats += 8
      for (let p = first; p < first + each; p++) {
        for (let c = start; c < start + width; c++) {
          const normal = (load<f32>(x + p * xPitch + c * 4) - f32(mean)) * f32(sharpness)
          store<f32>(y + p * yPitch + c * 4, normal * load<f32>(scale + c * 4) + load<f32>(shift + c * 4))
        }
      }
    }
  }
}

/** dx = sharpness (g - mean(g) - n mean(g n)) with g = dy scale and n the normalised numbers. */
export function normaliseBackward(
  x: usize,
  xPitch: i32,
  examples: i32,
  pixels: i32,
  each: i32,
  channels: i32,
  groups: i32,
  scale: usize,
  dy: usize,
  yPitch: i32,
  stats: usize,
  dx: usize,
): void {
  const width = channels / groups
  for (let first = 0; first < examples * pixels; first += each) {
    for (let start = 0; start < channels; start += width) {
      const mean = load<f32>(stats)
      const sharpness = load<f32>(stats, 4)
      stats += 8
      let total: f64 = 0
      let along: f64 = 0
      for (let p = first; p < first + each; p++) {
        for (let c = start; c < start + width; c++) {
          const g = load<f32>(dy + p * yPitch + c * 4) * load<f32>(scale + c * 4)
          total += f64(g)
          along += f64(g) * f64((load<f32>(x + p * xPitch + c * 4) - mean) * sharpness)
        }
      }
      const level = f32(total / f64(each * width))
      const tilt = f32(along / f64(each * width))
      for (let p = first; p < first + each; p++) {
        for (let c = start; c < start + width; c++) {
          const g = load<f32>(dy + p * yPitch + c * 4) * load<f32>(scale + c * 4)
          const normal = (load<f32>(x + p * xPitch + c * 4) - mean) * sharpness
          store<f32>(dx + p * xPitch + c * 4, sharpness * (g - level - normal * tilt))
        }
      }
    }
  }
}

/** scale = beta scale + alpha sum(dy n), shift = beta shift + alpha sum(dy), over the positions of all examples. */
export function accumulateNorm(
  x: usize,
  xPitch: i32,
  examples: i32,
  pixels: i32,
  each: i32,
  channels: i32,
  groups: i32,
  dy: usize,
  yPitch: i32,
  stats: usize,
  toScale: usize,
  toShift: usize,
  alpha: f32,
  beta: f32,
): void {
  const width = channels / groups
  for (let c = 0; c < channels; c++) {
    let along: f64 = 0
    let total: f64 = 0
    for (let p = 0; p < examples * pixels; p++) {
      const block = stats + ((p / each) * groups + c / width) * 8
      const normal = (load<f32>(x + p * xPitch + c * 4) - load<f32>(block)) * load<f32>(block, 4)
      const g = load<f32>(dy + p * yPitch + c * 4)
      along += f64(g * normal)
      total += f64(g)
    }
    blend(toScale + c * 4, f32(along), alpha, beta)
    blend(toShift + c * 4, f32(total), alpha, beta)
  }
}

function blend(to: usize, value: f32, alpha: f32, beta: f32): void {
  store<f32>(to, (beta === 0 ? 0 : load<f32>(to) * beta) + value * alpha)
}
