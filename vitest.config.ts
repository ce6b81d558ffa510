import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

/** Most end-to-end tests wait for other processes: two files at a time, also where the default would be one. */
const workers = Math.max(2, availableParallelism() - 1)

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: workers,
  },
})
