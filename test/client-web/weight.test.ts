/** What the pages weigh before a model is needed. */

import { expect, test } from 'vitest'
import { pageWeight } from '../../bench/page-weight.ts'

test("the participant's page weighs less than 200 kB gzipped before a model is needed, its worker counted in", async () => {
  const { files, total } = await pageWeight('dist/web/join/index.html')
  const names = [...files.keys()].join(' ')
  expect(names).toMatch(/worker-[\w-]+\.js/)
  expect(names).toMatch(/\.css/)
  expect(total).toBeLessThan(200_000)
})

test("the observer's page weighs less than 80 kB gzipped", async () => {
  expect((await pageWeight('dist/web/index.html')).total).toBeLessThan(80_000)
})
