/** Flat parameters into panels and back (see products.ts), and a convolution's kernel turned round for its way back. */

/** `flat` is row-major [rows, columns]; columns past the last become zeros. */
export function pack(flat: usize, rows: i32, columns: i32, panels: usize): void {
  let to = panels
  for (let first = 0; first < columns; first += 8) {
    for (let row = 0; row < rows; row++) {
      for (let c = first; c < first + 8; c++) {
        store<f32>(to, c < columns ? load<f32>(flat + (row * columns + c) * 4) : 0)
        to += 4
      }
    }
  }
}

export function unpack(panels: usize, rows: i32, columns: i32, flat: usize): void {
  let from = panels
  for (let first = 0; first < columns; first += 8) {
    for (let row = 0; row < rows; row++) {
      for (let c = first; c < first + 8; c++) {
        if (c < columns) store<f32>(flat + (row * columns + c) * 4, load<f32>(from))
        from += 4
      }
    }
  }
}

/**
 * The kernel that carries gradients back through a convolution: positions reversed, inputs and outputs exchanged.
 * From panels over [positions, inputs] x outputs to panels over [positions, outputs] x inputs.
 */
export function turn(w: usize, positions: i32, inputs: i32, outputs: i32, turned: usize): void {
  let to = turned
  for (let first = 0; first < inputs; first += 8) {
    for (let position = positions - 1; position >= 0; position--) {
      for (let o = 0; o < outputs; o++) {
        const column = w + (o >> 3) * positions * inputs * 32 + (o & 7) * 4
        for (let c = first; c < first + 8; c++) {
          store<f32>(to, c < inputs ? load<f32>(column + (position * inputs + c) * 32) : 0)
          to += 4
        }
      }
    }
  }
}

/** Rows of `width` numbers picked by `order` (32-bit row numbers), one after the other. */
export function gather(rows: usize, width: i32, order: usize, count: i32, to: usize): void {
  for (let i = 0; i < count; i++) {
    const from = rows + load<u32>(order + i * 4) * width * 4
    // A loop of its own: a bulk copy costs more than a short row takes.
    let c = 0
    for (; c + 4 <= width; c += 4) v128.store(to + c * 4, v128.load(from + c * 4))
    for (; c < width; c++) store<f32>(to + c * 4, load<f32>(from + c * 4))
    to += width * 4
  }
}
