/** Values that arrive one by one: kept in pieces of fixed size, so that growing never copies a whole column. */

const pieceLength = 65_536

interface Piece {
  readonly length: number
  [index: number]: number
  set(values: ArrayLike<number>, offset: number): void
  subarray(start: number, end: number): this
}

export class Pieces<T extends Piece> {
  length = 0
  readonly #make: (length: number) => T
  readonly #full: T[] = []
  #last: T
  #filled = 0

  constructor(make: (length: number) => T) {
    this.#make = make
    this.#last = make(pieceLength)
  }

  push(value: number): void {
    if (this.#filled === pieceLength) this.#grow()
    this.#last[this.#filled++] = value
    this.length++
  }

  append(values: Float64Array): void {
    for (let from = 0; from < values.length; ) {
      if (this.#filled === pieceLength) this.#grow()
      const count = Math.min(values.length - from, pieceLength - this.#filled)
      this.#last.set(values.subarray(from, from + count), this.#filled)
      this.#filled += count
      from += count
    }
    this.length += values.length
  }

  /** All values, which are let go: the next one begins anew. */
  take(): T {
    const whole = this.#make(this.length)
    for (const [i, piece] of this.#full.entries()) whole.set(piece, i * pieceLength)
    whole.set(this.#last.subarray(0, this.#filled), this.length - this.#filled)
    this.#full.length = 0
    this.#filled = 0
    this.length = 0
    return whole
  }

  #grow(): void {
    this.#full.push(this.#last)
    this.#last = this.#make(pieceLength)
    this.#filled = 0
  }
}
