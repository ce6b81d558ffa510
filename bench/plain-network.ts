/** One step of a dense network in plain typed-array loops, as one would write it without an engine: a reference for speed. */

/** `widths` from the input to the outputs, ReLU between; one output is a logit, several are classes. Returns a step. */
export function plainNetwork(widths: readonly number[], batch: number, rate: number) {
  const layers = widths.slice(1).map((units, i) => ({
    inputs: widths[i],
    units,
    w: Float32Array.from({ length: widths[i] * units }, (_, j) => Math.sin(j) / Math.sqrt(widths[i])),
    b: new Float32Array(units),
    y: new Float32Array(batch * units),
    dy: new Float32Array(batch * units),
  }))
  return (x: Float32Array, labels: Float32Array): void => {
    let below = x
    for (const [i, layer] of layers.entries()) {
      forward(below, layer, batch, i < layers.length - 1)
      below = layer.y
    }
    const top = layers[layers.length - 1]
    outputGradient(top.y, labels, top.dy, batch)
    for (let i = layers.length - 1; i >= 0; i--) {
      if (i > 0) backward(layers[i], layers[i - 1], batch)
      descend(i > 0 ? layers[i - 1].y : x, layers[i], batch, rate)
    }
  }
}

interface PlainLayer {
  readonly inputs: number
  readonly units: number
  readonly w: Float32Array
  readonly b: Float32Array
  readonly y: Float32Array
  readonly dy: Float32Array
}

function forward(x: Float32Array, { inputs, units, w, b, y }: PlainLayer, batch: number, relu: boolean): void {
  for (let row = 0; row < batch; row++) {
    const to = row * units
    for (let u = 0; u < units; u++) y[to + u] = b[u]
    for (let k = 0; k < inputs; k++) {
      const value = x[row * inputs + k]
      const from = k * units
      for (let u = 0; u < units; u++) y[to + u] += value * w[from + u]
    }
    if (relu) for (let u = 0; u < units; u++) y[to + u] = Math.max(0, y[to + u])
  }
}

function outputGradient(z: Float32Array, labels: Float32Array, dz: Float32Array, batch: number): void {
  const classes = z.length / batch
  for (let row = 0; row < batch; row++) {
    const from = row * classes
    if (classes === 1) {
      dz[from] = (1 / (1 + Math.exp(-z[from])) - labels[row]) / batch
      continue
    }
    let highest = z[from]
    for (let c = 1; c < classes; c++) highest = Math.max(highest, z[from + c])
    let total = 0
    for (let c = 0; c < classes; c++) total += Math.exp(z[from + c] - highest)
    for (let c = 0; c < classes; c++) {
      dz[from + c] = (Math.exp(z[from + c] - highest) / total - (labels[row] === c ? 1 : 0)) / batch
    }
  }
}

function backward({ inputs, units, w, dy }: PlainLayer, below: PlainLayer, batch: number): void {
  for (let row = 0; row < batch; row++) {
    for (let k = 0; k < inputs; k++) {
      let sum = 0
      for (let u = 0; u < units; u++) sum += dy[row * units + u] * w[k * units + u]
      below.dy[row * inputs + k] = below.y[row * inputs + k] > 0 ? sum : 0
    }
  }
}

function descend(x: Float32Array, { inputs, units, w, b, dy }: PlainLayer, batch: number, rate: number): void {
  for (let row = 0; row < batch; row++) {
    for (let u = 0; u < units; u++) b[u] -= rate * dy[row * units + u]
    for (let k = 0; k < inputs; k++) {
      const value = rate * x[row * inputs + k]
      for (let u = 0; u < units; u++) w[k * units + u] -= value * dy[row * units + u]
    }
  }
}
