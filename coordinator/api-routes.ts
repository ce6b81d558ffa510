/** The routes of runs as data: what each takes and answers. The router serves them, `/openapi.json` describes them. */

import * as z from 'zod'
import { type Role, roleSchema } from '../protocol/enrolment/entries.ts'

const summary = z.strictObject({
  id: z.string().regex(/^[0-9a-f]{16}$/),
  name: z.string(),
  status: z.enum(['queued', 'running', 'waiting', 'paused', 'finished', 'failed', 'stopped']),
  submitted: z.int().meta({ description: 'Milliseconds since 1970' }),
  rounds: z.int().min(0).meta({ description: 'Rounds committed since the coordinator was started' }),
  missing: z.array(z.string()).meta({ description: 'Sites a waiting run misses; it needs only its quorum of them' }),
  code: z.string(),
  reason: z.string(),
})

export const refusal = z.strictObject({ code: z.string(), message: z.string() })

export interface Route {
  readonly method: 'get' | 'post'
  /** Under `/api`, with parameters in braces. */
  readonly path: string
  /** The least role whose token may use it. */
  readonly role: Role
  readonly summary: string
  readonly body?: { readonly type: string; readonly description: string }
  readonly status: 200 | 201
  readonly answer: { readonly type: string; readonly schema: z.ZodType }
}

const json = <T extends z.ZodType>(schema: T) => ({ type: 'application/json', schema })
const lines = (description: string) => ({
  type: 'application/x-ndjson',
  schema: z.string().meta({ description }),
})
const change = (path: string, text: string): Route => ({
  ...{ method: 'post', path, role: 'operator', summary: text, status: 200, answer: json(summary) },
})

/** By operation; the router has a handler for each, which the compiler checks. */
export const routes = {
  showRole: {
    method: 'get',
    path: '/role',
    role: 'observer',
    summary: 'What this token may do',
    status: 200,
    answer: json(z.strictObject({ role: roleSchema })),
  },
  listRuns: {
    method: 'get',
    path: '/runs',
    role: 'observer',
    summary: 'All runs, oldest first',
    status: 200,
    answer: json(z.array(summary)),
  },
  submitRun: {
    ...{
      method: 'post',
      path: '/runs',
      role: 'author',
      summary: 'Submit a plan; it is queued',
      status: 201,
      answer: json(summary),
    },
    body: { type: 'text/plain', description: 'The plan file, YAML or JSON, at most 1 MB' },
  },
  showRun: {
    method: 'get',
    path: '/runs/{id}',
    role: 'observer',
    summary: 'One run',
    status: 200,
    answer: json(summary),
  },
  followRun: {
    ...{
      method: 'get',
      path: '/runs/{id}/events',
      role: 'observer',
      summary: 'What has happened, then what does, until the run ends',
    },
    ...{ status: 200, answer: lines('One event a line, as JSON') },
  },
  runJournal: {
    ...{ method: 'get', path: '/runs/{id}/journal', role: 'observer', summary: 'The signed, chained journal' },
    ...{ status: 200, answer: lines('One sealed entry a line, as canonical JSON') },
  },
  pauseRun: change('/runs/{id}/pause', 'Rest after the round that is under way'),
  resumeRun: change('/runs/{id}/resume', 'Go on with a run that was paused'),
  stopRun: change('/runs/{id}/stop', 'End a run for good'),
} as const satisfies Readonly<Record<string, Route>>

export type Operation = keyof typeof routes

/** The routes as an OpenAPI 3.1 document. */
export function openApiDocument(version: string): Readonly<Record<string, unknown>> {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const [operationId, route] of Object.entries<Route>(routes)) {
    const path = `/api${route.path}`
    paths[path] = { ...paths[path], [route.method]: { operationId, ...operationOf(route) } }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Concordat coordinator', version, description: "The routes of runs; peers' own are in SPEC.md." },
    security: [{ operator: [] }],
    components: {
      securitySchemes: {
        operator: {
          type: 'http',
          scheme: 'bearer',
          description: 'The token in operator.token, or one issued by `concordat token`',
        },
      },
      schemas: { Refusal: z.toJSONSchema(refusal) },
    },
    paths,
  }
}

function operationOf({ path, role, summary: text, body, status, answer }: Route): Readonly<Record<string, unknown>> {
  const refused = (description: string) => ({
    description,
    content: { 'application/json': { schema: { $ref: '#/components/schemas/Refusal' } } },
  })
  const parameters = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    ...{ name, in: 'path', required: true, schema: { type: 'string' } },
  }))
  return {
    summary: `${text} (${role})`,
    ...(parameters.length > 0 && { parameters }),
    ...(body && {
      requestBody: {
        description: body.description,
        required: true,
        content: { [body.type]: { schema: { type: 'string' } } },
      },
    }),
    responses: {
      [status]: { description: text, content: { [answer.type]: { schema: z.toJSONSchema(answer.schema) } } },
      400: refused('The plan or the wish does not hold'),
      401: refused('No token in force'),
      403: refused('A token of a lesser role'),
      ...(parameters.length > 0 && { 404: refused('No such run') }),
    },
  }
}
