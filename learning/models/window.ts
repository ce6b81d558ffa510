/** How a window slides over one side of an image: positions, and zeros before the first pixel. */

export interface Sliding {
  readonly size: number
  readonly stride: number
  readonly padding: 'same' | 'valid'
}

export interface Windows {
  /** Positions of the window; 0 or less where it does not fit once. */
  readonly count: number
  /** Zeros before the first pixel; `same` puts the odd one behind the last. */
  readonly before: number
}

export function windows(side: number, { size, stride, padding }: Sliding): Windows {
  if (padding === 'valid') return { count: Math.floor((side - size) / stride) + 1, before: 0 }
  const count = Math.ceil(side / stride)
  return { count, before: Math.floor(Math.max((count - 1) * stride + size - side, 0) / 2) }
}
