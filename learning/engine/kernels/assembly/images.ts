/** Images on their way between layers: copies into buffers with room round them, and pooling. Channels stand innermost. */

/**
 * Copies `images` x `height` x `width` pixels of `channels` floats between two layouts, each given by its address and by
 * the bytes from image to image, row to row and pixel to pixel: padding, dilation and flattening are such copies.
 */
export function place(
  images: i32,
  height: i32,
  width: i32,
  channels: i32,
  from: usize,
  fromImage: i32,
  fromRow: i32,
  fromPixel: i32,
  to: usize,
  toImage: i32,
  toRow: i32,
  toPixel: i32,
): void {
  for (let image = 0; image < images; image++) {
    for (let y = 0; y < height; y++) {
      let source = from + image * fromImage + y * fromRow
      let sink = to + image * toImage + y * toRow
      for (let x = 0; x < width; x++) {
        let c = 0
        for (; c + 4 <= channels; c += 4) v128.store(sink + c * 4, v128.load(source + c * 4))
        for (; c < channels; c++) store<f32>(sink + c * 4, load<f32>(source + c * 4))
        source += fromPixel
        sink += toPixel
      }
    }
  }
}

/** y = the largest of each window. `pitch` floats a pixel, a multiple of four; `width` pixels a row of x. */
export function maxPool(
  x: usize,
  images: i32,
  height: i32,
  width: i32,
  pitch: i32,
  size: i32,
  stride: i32,
  rows: i32,
  columns: i32,
  y: usize,
): void {
  const pixel = pitch * 4
  for (let image = 0; image < images; image++) {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const corner = x + (row * stride * width + column * stride) * pixel
        for (let c = 0; c < pixel; c += 16) {
          let largest = f32x4.splat(-Infinity)
          for (let i = 0; i < size; i++) {
            for (let j = 0; j < size; j++) {
              largest = f32x4.max(largest, v128.load(corner + (i * width + j) * pixel + c))
            }
          }
          v128.store(y + c, largest)
        }
        y += pixel
      }
    }
    x += height * width * pixel
  }
}

/** The gradient goes to the first pixel of the window that holds the largest value. */
export function maxPoolBackward(
  x: usize,
  images: i32,
  height: i32,
  width: i32,
  pitch: i32,
  size: i32,
  stride: i32,
  rows: i32,
  columns: i32,
  y: usize,
  dx: usize,
  dy: usize,
): void {
  const pixel = pitch * 4
  memory.fill(dx, 0, images * height * width * pixel)
  for (let image = 0; image < images; image++) {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const corner = (row * stride * width + column * stride) * pixel
        for (let c = 0; c < pixel; c += 16) {
          const largest = v128.load(y + c)
          let left = v128.load(dy + c)
          for (let i = 0; i < size; i++) {
            for (let j = 0; j < size; j++) {
              const at = corner + (i * width + j) * pixel + c
              const here = f32x4.eq(v128.load(x + at), largest)
              v128.store(dx + at, f32x4.add(v128.load(dx + at), v128.and(left, here)))
              left = v128.andnot(left, here)
            }
          }
        }
        y += pixel
        dy += pixel
      }
    }
    x += height * width * pixel
    dx += height * width * pixel
  }
}

export function avgPool(
  x: usize,
  images: i32,
  height: i32,
  width: i32,
  pitch: i32,
  size: i32,
  stride: i32,
  rows: i32,
  columns: i32,
  y: usize,
): void {
  const pixel = pitch * 4
  const share = f32x4.splat(1 / f32(size * size))
  for (let image = 0; image < images; image++) {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const corner = x + (row * stride * width + column * stride) * pixel
        for (let c = 0; c < pixel; c += 16) {
          let total = f32x4.splat(0)
          for (let i = 0; i < size; i++) {
            for (let j = 0; j < size; j++) {
              total = f32x4.add(total, v128.load(corner + (i * width + j) * pixel + c))
            }
          }
          v128.store(y + c, f32x4.mul(total, share))
        }
        y += pixel
      }
    }
    x += height * width * pixel
  }
}

export function avgPoolBackward(
  images: i32,
  height: i32,
  width: i32,
  pitch: i32,
  size: i32,
  stride: i32,
  rows: i32,
  columns: i32,
  dx: usize,
  dy: usize,
): void {
  const pixel = pitch * 4
  const share = f32x4.splat(1 / f32(size * size))
  memory.fill(dx, 0, images * height * width * pixel)
  for (let image = 0; image < images; image++) {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const corner = dx + (row * stride * width + column * stride) * pixel
        for (let c = 0; c < pixel; c += 16) {
          const part = f32x4.mul(v128.load(dy + c), share)
          for (let i = 0; i < size; i++) {
            for (let j = 0; j < size; j++) {
              const at = corner + (i * width + j) * pixel + c
              v128.store(at, f32x4.add(v128.load(at), part))
            }
          }
        }
        dy += pixel
      }
    }
    dx += height * width * pixel
  }
}
