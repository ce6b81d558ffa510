/** The operator's API: submit a plan, follow its run, fetch its result; every route asks for the operator's token. */

import { randomBytes, timingSafeEqual } from 'node:crypto'
import { mkdir, open, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import express, { type Express, type Request, type Response } from 'express'
import { InputError } from '../protocol/errors.ts'
import type { RunEvent } from './events.ts'

export interface RunView {
  readonly id: string
  readonly name: string
  /** Every event so far, then those to come; ends with the run. */
  follow(): AsyncIterable<RunEvent>
}

export interface Runs {
  /** @throws InputError when the plan does not hold. */
  submit(planText: string): Promise<RunView>
  find(id: string): RunView | undefined
  list(): readonly RunView[]
}

/** Reads the operator's token at `path`, or makes one there with mode 0600. */
export async function openToken(path: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const fresh = randomBytes(32).toString('hex')
  try {
    const file = await open(path, 'wx', 0o600)
    await file.writeFile(`${fresh}\n`)
    await file.close()
    return fresh
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    const token = (await readFile(path, 'utf8')).trim()
    if (!/^[0-9a-f]{64}$/.test(token)) {
      throw new InputError(
        'ERR_TOKEN_FILE',
        'expected an operator token of 64 hexadecimal digits; delete the file to get a new one',
        path,
      )
    }
    return token
  }
}

export function operatorRoutes(app: Express, runs: Runs, token: string): void {
  app.get('/health', (_request, response) => {
    response.json({ status: 'ok' })
  })
  const api = express.Router()
  api.use((request, response, next) => {
    if (isOperator(request, token)) next()
    else response.status(401).json({ code: 'ERR_TOKEN', message: "expected the operator's token" })
  })
  api.post('/runs', express.text({ limit: '1mb', type: () => true }), async (request, response) => {
    const run = await runs.submit(String(request.body))
    response.status(201).json({ id: run.id, name: run.name })
  })
  api.get('/runs', (_request, response) => {
    response.json(runs.list().map(({ id, name }) => ({ id, name })))
  })
  api.get('/runs/:id/events', (request, response) => follow(runs.find(request.params.id), response))
  app.use('/api', api)
}

async function follow(run: RunView | undefined, response: Response): Promise<void> {
  if (run === undefined) {
    response.status(404).json({ code: 'ERR_RUN', message: 'no such run' })
    return
  }
  response.set({ 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' })
  response.flushHeaders()
  for await (const event of run.follow()) {
    if (response.destroyed) return
    response.write(`${JSON.stringify(event)}\n`)
  }
  response.end()
}

function isOperator(request: Request, token: string): boolean {
  const given = Buffer.from(/^Bearer (.{64})$/.exec(request.headers.authorization ?? '')?.[1] ?? '')
  const expected = Buffer.from(token)
  return given.length === expected.length && timingSafeEqual(given, expected)
}
