/** Routes for those who watch machines: alive, ready, and metrics. */

import type { Express } from 'express'
import type { Access } from '../access.ts'
import type { Store } from '../store/store.ts'
import type { Metrics } from './metrics.ts'

export interface WatchParts {
  readonly store: Store
  readonly metrics: Metrics
  readonly access: Access
}

export function watchRoutes(app: Express, { store, metrics, access }: WatchParts): void {
  /** The process answers. */
  app.get('/health', (_request, response) => {
    response.json({ status: 'ok' })
  })
  /** It can do its work: the store answers too. */
  app.get('/ready', async (_request, response) => {
    const ready = await store.rosters().then(
      () => true,
      () => false,
    )
    response.status(ready ? 200 : 503).json({ status: ready ? 'ready' : 'the store does not answer' })
  })
  app.get('/metrics', access('observer'), async (_request, response) => {
    const { type, body } = await metrics.text()
    response.set('content-type', type).send(body)
  })
}
