/** Milliseconds a training step takes, single thread: the compiled engine beside PyTorch, TensorFlow.js and plain loops. */

import { randomFillSync } from 'node:crypto'
import { setFlagsFromString } from 'node:v8'
import { supports, type Variant } from '../learning/engine/compiled/machine.ts'
import { plainNetwork } from './plain-network.ts'
import type { BenchOptions, BenchResult } from './result.ts'
import { type Case, caseOf, compiledStep, median, plainSteps, shapes } from './step.ts'
import { tfjsFit } from './tfjs-fit.ts'
import { type TorchTimes, torchTimes } from './torch.ts'

export async function training({ quick, progress }: BenchOptions): Promise<BenchResult[]> {
  // Node 20 has relaxed SIMD behind a flag.
  if (!supports('relaxed')) setFlagsFromString('--experimental-wasm-relaxed-simd')
  const batches = quick ? [32] : [10, 32, 128]
  const seconds = quick ? 0.05 : 0.4
  const torch = torchTimes(Object.keys(shapes), batches, quick ? 0.2 : 1)
  progress(torch === undefined ? 'no PyTorch here: no reference' : `reference: PyTorch ${torch.version}, one thread`)
  const results: BenchResult[] = []
  for (const name of Object.keys(shapes)) {
    for (const batch of batches) {
      const one = caseOf(name, batch, { seconds, group: 0.2 })
      for (const result of await measure(one, torch)) {
        results.push(result)
        progress(
          `${result.name}: ${result.value.toPrecision(3)} ms${result.ratio === null ? '' : `, ${result.ratio.toPrecision(2)} of PyTorch`}`,
        )
      }
    }
  }
  return results
}

async function measure(one: Case, torch: TorchTimes | undefined): Promise<BenchResult[]> {
  const { name, model, batch, examples } = one
  const reference = torch?.of(name, batch) ?? null
  const result = (engine: string, value: number): BenchResult => ({
    name: `training ${name} ${batch}, ${engine}`,
    value,
    unit: 'ms/step',
    reference,
    ratio: reference === null ? null : value / reference,
  })
  const results: BenchResult[] = []
  for (const variant of (['simd128', 'relaxed'] satisfies Variant[]).filter(supports)) {
    const plain = plainSteps(one)
    results.push(result(`compiled ${variant}`, await compiledStep(one, variant, plain)))
    const privacy = { clippingNorm: 1, noiseMultiplier: 1, batchRate: batch / examples.rows, random }
    results.push(result(`compiled ${variant} DP-SGD`, await compiledStep(one, variant, { ...plain, privacy })))
  }
  if (model.layers.every((layer) => layer.type === 'dense')) {
    results.push(result('plain JavaScript', plainStep(one)))
    for (const backend of ['wasm', 'cpu'] as const) {
      results.push(result(`tfjs fit ${backend}`, await tfjsFit(backend, model, examples, batch)))
    }
  }
  return results
}

const random = { bytes: (length: number) => randomFillSync(new Uint8Array(length)) }

function plainStep({ model, batch, examples, seconds }: Case): number {
  const widths = model.layers.flatMap((layer) => (layer.type === 'dense' ? [layer.units] : []))
  const step = plainNetwork([...model.input, ...widths], batch, 0.01)
  const [x, y] = [examples.x.subarray(0, batch * examples.features), examples.y.subarray(0, batch)]
  const times: number[] = []
  for (const end = performance.now() + 2000 * seconds; performance.now() < end || times.length < 20; ) {
    const began = performance.now()
    for (let i = 0; i < 10; i++) step(x, y)
    times.push((performance.now() - began) / 10)
  }
  return median(times)
}
