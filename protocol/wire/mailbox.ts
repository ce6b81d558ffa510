/** A mailbox: whatever was put in comes out once, in order, to one reader; closing ends the reading. */
export class Mailbox<T> implements AsyncIterable<T> {
  readonly #waiting: T[] = []
  #wake: (() => void) | undefined
  #closed = false

  /** Items that nobody has read yet. */
  get waiting(): number {
    return this.#waiting.length
  }

  put(item: T): void {
    if (this.#closed) return
    this.#waiting.push(item)
    this.#wake?.()
  }

  close(): void {
    this.#closed = true
    this.#wake?.()
  }

  /** The next item; `undefined` once the mailbox is closed and empty, or when `until` settles first. */
  async next(until?: Promise<unknown>): Promise<T | undefined> {
    if (this.#waiting.length === 0 && !this.#closed) {
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      await (until === undefined ? woken : Promise.race([woken, until]))
      this.#wake = undefined
    }
    return this.#waiting.shift()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void> {
    for (;;) {
      const item = await this.next()
      if (item === undefined) return
      yield item
    }
  }
}
