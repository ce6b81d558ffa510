/** The parameters of a program in the arena: kernels in panels, with gradients and running moments in the same places. */

import type { Layout, ParameterTensor } from '../../models/layout.ts'
import { followsBatches } from '../../models/placement.ts'
import type { Machine } from './machine.ts'
import { roundUp } from './values.ts'

/** One tensor as a matrix in panels of eight columns; a bias is a matrix of one row. */
export interface Slot {
  readonly tensor: ParameterTensor
  readonly rows: number
  readonly columns: number
  readonly panels: number
  /** Addresses. */
  readonly values: number
  readonly gradient: number
}

/** A stretch of slots that one update call covers; weight decay applies to kernels only. */
export interface Stretch {
  readonly kernels: boolean
  /** Byte offset from each region's start. */
  readonly offset: number
  readonly floats: number
}

export class ParameterStore {
  readonly slots: readonly Slot[]
  /** Start of each region; all have the same order and `floats` numbers. */
  readonly values: number
  readonly gradient: number
  readonly moments: readonly number[]
  readonly floats: number
  readonly #machine: Machine
  readonly #staging: number
  readonly #count: number

  /** `moments` regions beside the gradient; an inference program has neither. */
  constructor(machine: Machine, layout: Layout, regions: { readonly gradient: boolean; readonly moments: number }) {
    this.#machine = machine
    this.#count = layout.parameters
    const tensors = layout.layers.flatMap((layer) => layer.tensors)
    const isKernel = ({ role }: ParameterTensor): boolean => role === 'kernel'
    const ordered = [...tensors.filter(isKernel), ...tensors.filter((tensor) => !isKernel(tensor))]
    const places = new Map<ParameterTensor, number>()
    let floats = 0
    for (const tensor of ordered) {
      places.set(tensor, floats)
      floats += matrix(tensor).rows * matrix(tensor).panels * 8
    }
    this.floats = floats
    this.values = machine.allocate(floats)
    this.gradient = regions.gradient ? machine.allocate(floats) : 0
    this.moments = Array.from({ length: regions.moments }, () => machine.allocate(floats))
    this.#staging = machine.allocate(layout.parameters)
    this.slots = tensors.map((tensor) => {
      const offset = 4 * (places.get(tensor) ?? 0)
      return { tensor, ...matrix(tensor), values: this.values + offset, gradient: this.gradient + offset }
    })
  }

  /** Into the parameters' own region, or into another of `floats` numbers. */
  load(parameters: Float32Array, region = this.values): void {
    this.#machine.floats(this.#staging, this.#count).set(parameters)
    for (const { tensor, rows, columns, values } of this.slots) {
      this.#machine.kernels.pack(this.#staging + 4 * tensor.offset, rows, columns, values - this.values + region)
    }
  }

  /** What an update covers: all slots but those of `frozen` tensors, in as few stretches as there can be. */
  stretches(frozen: readonly string[] = []): readonly Stretch[] {
    const stretches: Stretch[] = []
    for (const slot of [...this.slots].sort((a, b) => a.values - b.values)) {
      if (frozen.includes(slot.tensor.name) || followsBatches(slot.tensor.role)) continue
      const kernels = slot.tensor.role === 'kernel'
      const [offset, floats] = [slot.values - this.values, slot.rows * slot.panels * 8]
      const last = stretches[stretches.length - 1]
      const joins = last !== undefined && last.kernels === kernels && last.offset + 4 * last.floats === offset
      if (joins) stretches[stretches.length - 1] = { ...last, floats: last.floats + floats }
      else stretches.push({ kernels, offset, floats })
    }
    return stretches
  }

  read(): Float32Array {
    return this.#unpacked((slot) => slot.values)
  }

  readGradient(): Float32Array {
    return this.#unpacked((slot) => slot.gradient)
  }

  /** A new run starts without memory of the last one. */
  clearMoments(): void {
    for (const moment of this.moments) this.#machine.floats(moment, this.floats).fill(0)
  }

  #unpacked(address: (slot: Slot) => number): Float32Array {
    for (const slot of this.slots) {
      this.#machine.kernels.unpack(address(slot), slot.rows, slot.columns, this.#staging + 4 * slot.tensor.offset)
    }
    return this.#machine.floats(this.#staging, this.#count).slice()
  }
}

function matrix({ shape, size }: ParameterTensor): Pick<Slot, 'rows' | 'columns' | 'panels'> {
  const columns = shape[shape.length - 1]
  return { rows: size / columns, columns, panels: roundUp(columns, 8) / 8 }
}
