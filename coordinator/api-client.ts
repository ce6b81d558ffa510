/** The coordinator's API as its commands call it: a token, a path, and refusals that become errors with their code. */

import { readFile } from 'node:fs/promises'
import * as z from 'zod'
import { errorCode, InputError, ProtocolError } from '../protocol/errors.ts'

/** Where a command looks unless it is told. */
export const defaults = {
  coordinator: 'http://127.0.0.1:7443',
  tokenFile: 'concordat-coordinator/operator.token',
} as const

export type Call = (path: string, init?: RequestInit) => Promise<Response>

/** @param path relative to the API, like `runs`. @throws InputError, ProtocolError: what the coordinator refuses, ERR_UNREACHABLE. */
export const caller =
  (base: string, token: string): Call =>
  async (path, init) => {
    const url = new URL(`api/${path}`, base.endsWith('/') ? base : `${base}/`)
    const headers = { ...init?.headers, authorization: `Bearer ${token}` }
    const response = await fetch(url, { ...init, headers }).catch((error: unknown) => {
      throw new ProtocolError(
        'ERR_UNREACHABLE',
        `no coordinator answers at ${base}: ${error instanceof Error ? error.message : String(error)}`,
      )
    })
    if (!response.ok) await refuse(response)
    return response
  }

/** @throws InputError ERR_TOKEN_FILE */
export async function readToken(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new InputError('ERR_TOKEN_FILE', error instanceof Error ? error.message : String(error), path)
  })
  return text.trim()
}

const refusalSchema = z.object({ code: z.string(), message: z.string() })

async function refuse(response: Response): Promise<never> {
  const refusal = refusalSchema.safeParse(await response.json().catch(() => undefined))
  if (!refusal.success) throw new ProtocolError('ERR_PEER', `the coordinator answered ${response.status}`)
  const { code, message } = refusal.data
  throw response.status === 400 ? new InputError(errorCode(code), message) : new ProtocolError(errorCode(code), message)
}
