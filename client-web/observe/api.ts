/** The coordinator's API as the page calls it, for what it asks and does; what goes on it is told by the feed. */

import { refusalSchema } from './answers.ts'

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
  post(path: string, body: unknown): Promise<void>
  text(path: string): Promise<string>
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
    post: async (path, body) => {
      const headers = { 'content-type': 'application/json' }
      await call(path, { method: 'POST', headers, body: JSON.stringify(body) })
    },
    text: async (path) => (await call(path)).text(),
  }
}
