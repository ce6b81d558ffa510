/** Batches in the order in which they are visited: the same for every engine, so that engines can be held against each other. */

import type { Stream } from '../../protocol/stream.ts'

/** Rows of one site, ready for a model. Features are row-major; labels are 0/1, class indices or numbers. */
export interface Examples {
  readonly rows: number
  /** Numbers a row: the product of the model's input shape. */
  readonly features: number
  readonly x: Float32Array
  readonly y: Float32Array
}

/** Rows that are read anew for every epoch, because they do not fit into memory. */
export interface Batches {
  readonly rows: number
  readonly features: number
  /** One epoch in shuffled batches of `batchSize` rows; the last one may be shorter. A batch holds until the next one. */
  epoch(batchSize: number, stream: Stream): AsyncIterable<Examples>
}

/** One epoch over rows in memory: a fresh permutation cut into batches of `batchSize`; the last one may be shorter. */
export function* epochBatches(rows: number, batchSize: number, stream: Stream): Generator<Uint32Array> {
  const order = stream.permutation(rows)
  for (let start = 0; start < rows; start += batchSize) yield order.subarray(start, Math.min(start + batchSize, rows))
}

/** What comes in blocks, and how many of its rows may wait in memory to be shuffled. */
export interface Streamed {
  readonly rows: number
  readonly features: number
  /** Opens the source again for each epoch. */
  readonly blocks: () => AsyncIterable<Examples>
  readonly buffer: number
}

/**
 * Batches from blocks: a row waits in a buffer until chance picks it and the next row takes its place. Memory is the buffer,
 * a block and a batch, however many rows there are; rows move as far as the buffer is long.
 */
export function streamed({ rows, features, blocks, buffer }: Streamed): Batches {
  return {
    rows,
    features,
    async *epoch(batchSize, stream) {
      let pool: Pool | undefined
      let batch: Filling | undefined
      const filled = (row: Row): Examples | undefined => {
        batch ??= new Filling(batchSize, row)
        return batch.add(row)
      }
      for await (const block of blocks()) {
        for (let i = 0; i < block.rows; i++) {
          const row = rowOf(block, i)
          pool ??= new Pool(buffer, row)
          const taken = pool.exchange(row, stream)
          const full = taken && filled(taken)
          if (full) yield full
        }
      }
      for (let taken = pool?.take(stream); taken !== undefined; taken = pool?.take(stream)) {
        const full = filled(taken)
        if (full) yield full
      }
      const rest = batch?.rest()
      if (rest) yield rest
    },
  }
}

interface Row {
  readonly x: Float32Array
  readonly y: Float32Array
}

function rowOf({ rows, features, x, y }: Examples, row: number): Row {
  const targets = y.length / rows
  return {
    x: x.subarray(row * features, (row + 1) * features),
    y: y.subarray(row * targets, (row + 1) * targets),
  }
}

/** Rows side by side in one allocation, of the sizes of a first row. */
class Rows {
  readonly x: Float32Array
  readonly y: Float32Array
  readonly #features: number
  readonly #targets: number

  constructor(capacity: number, { x, y }: Row) {
    this.x = new Float32Array(capacity * x.length)
    this.y = new Float32Array(capacity * y.length)
    this.#features = x.length
    this.#targets = y.length
  }

  set(place: number, { x, y }: Row): void {
    this.x.set(x, place * this.#features)
    this.y.set(y, place * this.#targets)
  }

  get(place: number): Row {
    const [x, y] = [place * this.#features, place * this.#targets]
    return { x: this.x.subarray(x, x + this.#features), y: this.y.subarray(y, y + this.#targets) }
  }

  first(rows: number): Examples {
    const x = this.x.subarray(0, rows * this.#features)
    return { rows, features: this.#features, x, y: this.y.subarray(0, rows * this.#targets) }
  }
}

/** Waiting rows. What it hands out holds until the next call. */
class Pool {
  readonly #rows: Rows
  readonly #out: Rows
  readonly #capacity: number
  #count = 0

  constructor(capacity: number, like: Row) {
    this.#capacity = capacity
    this.#rows = new Rows(capacity, like)
    this.#out = new Rows(1, like)
  }

  /** Takes a row in; gives another back once the pool is full. */
  exchange(row: Row, stream: Stream): Row | undefined {
    if (this.#count < this.#capacity) {
      this.#rows.set(this.#count++, row)
      return undefined
    }
    const place = stream.below(this.#capacity)
    this.#out.set(0, this.#rows.get(place))
    this.#rows.set(place, row)
    return this.#out.get(0)
  }

  take(stream: Stream): Row | undefined {
    if (this.#count === 0) return undefined
    const place = stream.below(this.#count)
    this.#out.set(0, this.#rows.get(place))
    this.#count--
    this.#rows.set(place, this.#rows.get(this.#count))
    return this.#out.get(0)
  }
}

/** A batch that fills up, again and again in the same place. */
class Filling {
  readonly #rows: Rows
  readonly #size: number
  #count = 0

  constructor(size: number, like: Row) {
    this.#size = size
    this.#rows = new Rows(size, like)
  }

  /** The batch, once it is full. */
  add(row: Row): Examples | undefined {
    this.#rows.set(this.#count++, row)
    return this.#count === this.#size ? this.rest() : undefined
  }

  rest(): Examples | undefined {
    if (this.#count === 0) return undefined
    const batch = this.#rows.first(this.#count)
    this.#count = 0
    return batch
  }
}
