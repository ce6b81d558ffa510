import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { sumVector } from '../../support/sum-vector.ts'

test('every step of a sum, from the keys to the last message, comes out as frozen', async () => {
  const frozen: unknown = JSON.parse(await readFile('test/vectors/secure-sum.json', 'utf8'))
  expect(JSON.parse(JSON.stringify(await sumVector()))).toEqual(frozen)
})
