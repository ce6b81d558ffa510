import { afterAll, beforeAll, expect, test } from 'vitest'
import * as z from 'zod'
import { type OpenPage, openPage } from '../../../bench/chromium.ts'
import { hashOf, runs } from '../../support/training-runs.ts'

let opened: OpenPage | undefined

const page = () => {
  if (opened === undefined) throw new Error('no page is open')
  return opened.page
}

const call = (name: string, ...given: readonly unknown[]): Promise<unknown> =>
  page().evaluate(`${name}(${given.map((value) => JSON.stringify(value)).join(', ')})`)

const training = z.object({ backend: z.string(), losses: z.array(z.number()).length(2) })

/** Keeps every context of WebGL, so that the page can lose them. */
const keepContexts = `{
  const kept = new Set()
  for (const canvas of [HTMLCanvasElement, OffscreenCanvas]) {
    const { getContext } = canvas.prototype
    canvas.prototype.getContext = function (...given) {
      const context = getContext.apply(this, given)
      if (context instanceof WebGL2RenderingContext) kept.add(context)
      return context
    }
  }
  globalThis.loseContexts = () => {
    for (const context of kept) context.getExtension('WEBGL_lose_context').loseContext()
  }
}`

beforeAll(async () => {
  opened = await openPage('test/support/pages/training.ts')
  await page().evaluate(keepContexts)
  await page().route('**/*.wasm', (route) => {
    const name = new URL(route.request().url()).pathname.split('/').at(-1)
    return route.fulfill({ path: `node_modules/@tensorflow/tfjs-backend-wasm/dist/${name}` })
  })
})
afterAll(() => opened?.close())

test.each(Object.keys(runs()))('%s ends with the same bits in Node and in Chromium', async (name) => {
  expect(await call('trainedHash', name)).toBe(await hashOf(runs()[name]))
})

test('a browser chooses the compiled engine, without loading TensorFlow.js', async () => {
  const requests: string[] = []
  page().on('request', (request) => requests.push(request.url()))
  expect(await call('chosen')).toMatch(/^compiled (simd128|relaxed)$/)
  expect(requests).toEqual([])
})

test.each(['cpu', 'wasm', 'webgl'])('TensorFlow.js trains on %s in the browser', async (backend) => {
  const trained = training.parse(await call('trainedOn', backend, '/'))
  expect(trained.backend).toBe(`tfjs ${backend}`)
  expect(trained.losses[1]).toBeLessThan(trained.losses[0])
})

test('a backend that the browser lacks is refused when it is forced', async () => {
  await expect(call('trainedOn', 'webgpu', '/')).rejects.toThrow(/ERR_BACKEND|cannot run on webgpu/)
})

test('training goes on where the context of the graphics card is lost: the same batches again, on the next backend', async () => {
  const outcome = z.object({ backends: z.array(z.string()), equal: z.boolean(), predicted: z.boolean() })
  expect(outcome.parse(await call('trainedThroughLoss', '/'))).toEqual({
    backends: ['tfjs webgl', 'tfjs wasm'],
    ...{ equal: true, predicted: true },
  })
})
