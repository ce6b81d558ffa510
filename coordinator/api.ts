/** The API of runs: submit a plan, follow its run, fetch its result; every route asks for a token and its role. */

import express, { type Express, type Response } from 'express'
import type { Access } from './access.ts'
import { textBody } from './doors/requests.ts'
import type { TimedEvent } from './events.ts'

export interface RunView {
  readonly id: string
  readonly name: string
  /** The plan file as it was submitted. */
  readonly plan: string
  /** Every event so far, then those to come; ends with the run. */
  follow(): AsyncIterable<TimedEvent>
}

export interface Runs {
  /** @throws InputError when the plan does not hold. */
  submit(planText: string): Promise<RunView>
  find(id: string): RunView | undefined
  list(): readonly RunView[]
}

export function runRoutes(app: Express, runs: Runs, access: Access): void {
  const api = express.Router()
  api.post('/runs', access('author'), textBody, async (request, response) => {
    const run = await runs.submit(String(request.body))
    response.status(201).json({ id: run.id, name: run.name })
  })
  api.get('/runs', access('observer'), (_request, response) => {
    response.json(runs.list().map(({ id, name }) => ({ id, name })))
  })
  api.get('/runs/:id/events', access('observer'), (request, response) =>
    follow(runs.find(String(request.params.id)), response),
  )
  app.use('/api', api)
}

async function follow(run: RunView | undefined, response: Response): Promise<void> {
  if (run === undefined) {
    response.status(404).json({ code: 'ERR_RUN', message: 'no such run' })
    return
  }
  response.set({ 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' })
  // A run may be silent for longer than a connection may.
  response.socket?.setTimeout(0)
  response.flushHeaders()
  for await (const event of run.follow()) {
    if (response.destroyed) return
    response.write(`${JSON.stringify(event)}\n`)
  }
  response.end()
}
