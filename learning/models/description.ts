/** The description of a model: its layers and its loss, as plain data that every engine can build. */

export type Activation = 'linear' | 'relu' | 'sigmoid' | 'tanh'

export interface DenseLayer {
  readonly type: 'dense'
  readonly units: number
  readonly activation: Activation
}

/** Grows with the engine; a layer is one member here and one case in each engine. */
export type Layer = DenseLayer

/** `binary-cross-entropy` takes one logit a row, `cross-entropy` one logit a class; outputs are linear, the loss adds the link. */
export type Loss = 'binary-cross-entropy' | 'cross-entropy' | 'mean-squared-error'

export interface ModelDescription {
  readonly input: readonly number[]
  readonly layers: readonly Layer[]
  readonly loss: Loss
}
