/** The API of runs: every route of the table asks for a token and its role. */

import express, { type Express, type Request, type Response, type Router } from 'express'
import { type Role, roleSchema } from '../protocol/enrolment/entries.ts'
import { InputError } from '../protocol/errors.ts'
import { release } from '../protocol/release.ts'
import type { Access } from './access.ts'
import { type Operation, openApiDocument, type Route, routes } from './api-routes.ts'
import { textBody } from './doors/requests.ts'
import type { TimedEvent } from './events.ts'
import type { Runs } from './runs.ts'

export function runRoutes(app: Express, runs: Runs, access: Access): void {
  const document = openApiDocument(release)
  app.get('/openapi.json', (_request, response) => {
    response.json(document)
  })
  const api = express.Router()
  const handlers: Readonly<Record<string, Handler>> = handlersFor(runs)
  for (const [operation, route] of Object.entries<Route>(routes))
    serve(api, route, { access, handle: handlers[operation] })
  app.use('/api', api)
}

/** Answers with a value as JSON, or with lines as they come. */
type Handler = (request: { readonly id: string; readonly body: string; readonly role: Role }) => unknown

const handlersFor = (runs: Runs): Readonly<Record<Operation, Handler>> => ({
  showRole: ({ role }) => ({ role }),
  listRuns: () => runs.list(),
  submitRun: ({ body }) => runs.submit(body),
  showRun: ({ id }) => runs.find(id),
  followRun: ({ id }) => eventLines(runs.follow(id)),
  runJournal: async ({ id }) => once(await runs.journal(id)),
  pauseRun: ({ id }) => runs.pause(id),
  resumeRun: ({ id }) => runs.resume(id),
  stopRun: ({ id }) => runs.stop(id),
})

interface Served {
  readonly access: Access
  readonly handle: Handler
}

function serve(api: Router, route: Route, { access, handle }: Served): void {
  const path = route.path.replaceAll(/\{(\w+)\}/g, ':$1')
  api[route.method](path, access(route.role), textBody, async (request: Request, response: Response) => {
    try {
      const answer = await handle({
        id: String(request.params.id ?? ''),
        body: String(request.body ?? ''),
        role: roleSchema.parse(response.locals.role),
      })
      response.status(route.status).type(route.answer.type)
      if (isLines(answer)) await writeLines(answer, response)
      else response.json(answer)
    } catch (error) {
      if (!(error instanceof InputError)) throw error
      response.status(error.code === 'ERR_RUN' ? 404 : 400).json({ code: error.code, message: error.message })
    }
  })
}

const isLines = (answer: unknown): answer is AsyncIterable<string> =>
  typeof answer === 'object' && answer !== null && Symbol.asyncIterator in answer

async function* eventLines(events: AsyncIterable<TimedEvent>): AsyncGenerator<string, void> {
  for await (const event of events) yield `${JSON.stringify(event)}\n`
}

async function* once(text: string): AsyncGenerator<string, void> {
  yield text
}

async function writeLines(lines: AsyncIterable<string>, response: Response): Promise<void> {
  response.set('cache-control', 'no-store')
  // A run may be silent for longer than a connection may.
  response.socket?.setTimeout(0)
  response.flushHeaders()
  for await (const line of lines) {
    if (response.destroyed) return
    response.write(line)
  }
  response.end()
}
