/** The description of a model: its layers and its loss, as plain data that every engine can build. */

export type Activation = 'linear' | 'relu' | 'leaky-relu' | 'elu' | 'softplus' | 'sigmoid' | 'tanh'

/** Of `leaky-relu` below zero (Maas et al. 2013). */
export const leakySlope = 0.01

export interface DenseLayer {
  readonly type: 'dense'
  readonly units: number
  readonly activation: Activation
}

/** Images are [height, width, channels]. `same` puts zeros round the image so that stride 1 keeps its size. */
export interface Conv2dLayer {
  readonly type: 'conv2d'
  readonly filters: number
  /** Height and width. */
  readonly kernel: readonly [number, number]
  readonly stride: number
  readonly padding: 'same' | 'valid'
  readonly activation: Activation
}

/** The largest or the mean of each `size` x `size` window; windows that do not fit are left out. */
export interface Pool2dLayer {
  readonly type: 'maxPool2d' | 'avgPool2d'
  readonly size: number
  readonly stride: number
}

export interface FlattenLayer {
  readonly type: 'flatten'
}

/**
 * Normalisation within an example: over all positions of a group of channels (Wu and He 2018), or over the channels of
 * one position (Ba et al. 2016). Neither looks at other rows, so both are at home under differential privacy.
 */
export type NormLayer = { readonly type: 'groupNorm'; readonly groups: number } | { readonly type: 'layerNorm' }

/**
 * Each channel is normalised over the rows of a batch (Ioffe and Szegedy 2015); predictions use the running mean and
 * variance, which are parameters too. It mixes rows, so private steps refuse it.
 */
export interface BatchNormLayer {
  readonly type: 'batchNorm'
}

/** Of the running mean and variance, this share stays at each step. */
export const runningShare = 0.9

/** Turns whole numbers from 0 to `vocabulary` - 1 into rows of a learned table; only as the first layer. */
export interface EmbeddingLayer {
  readonly type: 'embedding'
  readonly vocabulary: number
  readonly width: number
}

/** In training each number is zero with probability `rate`, and divided by 1 - `rate` otherwise (Srivastava et al. 2014). */
export interface DropoutLayer {
  readonly type: 'dropout'
  readonly rate: number
}

/**
 * Over a sequence of [steps, channels]: a plain cell, a gated one (Cho et al. 2014) or one with a memory (Hochreiter and
 * Schmidhuber 1997). Gives its state at every step, or only the last.
 */
export interface RecurrentLayer {
  readonly type: 'rnn' | 'gru' | 'lstm'
  readonly units: number
  readonly sequences: boolean
}

/** Projects each step of a sequence to `width` numbers and adds a learned vector of its place. */
export interface PlacesLayer {
  readonly type: 'places'
  readonly width: number
}

/** Attention and a dense layer over a sequence (Vaswani et al. 2017), each behind a layer norm (Xiong et al. 2020). */
export interface TransformerLayer {
  readonly type: 'transformer'
  readonly heads: number
  readonly hidden: number
}

/** The mean over the steps of a sequence. */
export interface MeanStepsLayer {
  readonly type: 'meanSteps'
}

export type SequenceLayer = RecurrentLayer | PlacesLayer | TransformerLayer | MeanStepsLayer

/** Grows with the engine; a layer is one member here and one case in each engine. */
export type Layer =
  | DenseLayer
  | Conv2dLayer
  | Pool2dLayer
  | FlattenLayer
  | NormLayer
  | BatchNormLayer
  | EmbeddingLayer
  | DropoutLayer
  | SequenceLayer

/** `binary-cross-entropy` takes one logit a row, `cross-entropy` one logit a class; outputs are linear, the loss adds the link. */
export type Loss = 'binary-cross-entropy' | 'cross-entropy' | 'mean-squared-error'

export interface ModelDescription {
  readonly input: readonly number[]
  readonly layers: readonly Layer[]
  readonly loss: Loss
}
