/** A typed array that grows: values arrive one by one or in runs, and how many will come may be known roughly or not. */

interface Numbers {
  readonly length: number
  [index: number]: number
  set(values: ArrayLike<number>, offset: number): void
  subarray(start: number, end: number): this
}

const firstCapacity = 1024

export class Growing<T extends Numbers> {
  length = 0
  readonly #make: (length: number) => T
  #values: T

  constructor(make: (length: number) => T) {
    this.#make = make
    this.#values = make(0)
  }

  /** Makes room for so many values in all: memory that is never touched costs nothing. */
  reserve(total: number): void {
    if (total > this.#values.length) this.#move(total)
  }

  push(value: number): void {
    if (this.length === this.#values.length) this.#move(Math.max(firstCapacity, 2 * this.length))
    this.#values[this.length++] = value
  }

  append(values: Float64Array): void {
    const length = this.length + values.length
    if (length > this.#values.length) this.#move(Math.max(firstCapacity, 2 * length))
    this.#values.set(values, this.length)
    this.length = length
  }

  /** All values, which are let go: the next one begins anew. */
  take(): T {
    const taken = this.#values.subarray(0, this.length)
    // Room for many more would be held as long as the values are.
    const wasteful = this.#values.length > 1.25 * this.length + firstCapacity
    this.#values = this.#make(0)
    this.length = 0
    if (!wasteful) return taken
    const exact = this.#make(taken.length)
    exact.set(taken, 0)
    return exact
  }

  #move(capacity: number): void {
    const wider = this.#make(capacity)
    wider.set(this.#values.subarray(0, this.length), 0)
    this.#values = wider
  }
}
