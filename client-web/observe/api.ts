/** The coordinator's API as the page calls it: a token, a path, lines as they come. */

import type * as z from 'zod/mini'
import { parseEvent, refusalSchema, type ShownEvent } from './answers.ts'

/** What the coordinator refused, or that it could not be reached: `code` is then `ERR_UNREACHABLE`. */
export class Refusal extends Error {
  readonly code: string
  constructor(code: string, reason: string) {
    super(reason)
    this.code = code
  }
}

export interface Api {
  /** @throws Refusal */
  get<T>(path: string, schema: z.ZodMiniType<T>): Promise<T>
  post<T>(path: string, body: unknown, schema?: z.ZodMiniType<T>): Promise<T | undefined>
  text(path: string): Promise<string>
  /** What has happened in a run, then what does; it returns where the coordinator ends the stream. */
  follow(id: string, signal: AbortSignal): AsyncGenerator<ShownEvent, void>
}

/** @param base of the coordinator, with a slash at its end. */
export function openApi(base: URL, token: string): Api {
  const call = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const response = await fetch(new URL(`api/${path}`, base), {
      ...init,
      headers: { authorization: `Bearer ${token}`, ...init.headers },
      cache: 'no-store',
    }).catch((error: unknown) => {
      throw new Refusal('ERR_UNREACHABLE', String(error))
    })
    if (response.ok) return response
    const { data } = refusalSchema.safeParse(await response.json().catch(() => undefined))
    throw new Refusal(data?.code ?? 'ERR_PEER', data?.message ?? `the coordinator answered ${response.status}`)
  }
  return {
    get: async (path, schema) => schema.parse(await (await call(path)).json()),
    post: async (path, body, schema) => {
      const headers = { 'content-type': 'application/json' }
      const response = await call(path, { method: 'POST', headers, body: JSON.stringify(body) })
      return schema?.parse(await response.json())
    },
    text: async (path) => (await call(path)).text(),
    async *follow(id, signal) {
      const { body } = await call(`runs/${id}/events`, { signal })
      if (body === null) return
      for await (const line of linesOf(body)) {
        const event = parseEvent(line)
        if (event !== undefined) yield event
      }
    },
  }
}

async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string, void> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let rest = ''
  try {
    for (;;) {
      const { value, done } = await reader.read().catch((error: unknown) => {
        throw new Refusal('ERR_UNREACHABLE', String(error))
      })
      if (done) return
      const lines = (rest + decoder.decode(value, { stream: true })).split('\n')
      rest = lines.pop() ?? ''
      yield* lines.filter((line) => line !== '')
    }
  } finally {
    void reader.cancel().catch(() => {})
  }
}
