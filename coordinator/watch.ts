/** Follows a run to its end, through restarts of its coordinator, and says what happens. */

import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { errorCode, ProtocolError } from '../protocol/errors.ts'
import type { Call } from './api-client.ts'
import { type FinishedEvent, parseRunEvent, type RunEvent } from './events.ts'
import { lineFor } from './terminal.ts'

/** How long a coordinator may be away, in milliseconds, before a follower gives up; its run goes on all the same. */
const patience = 120_000

/** Prints each event as a line. @throws ProtocolError how the run failed, or ERR_UNREACHABLE. */
export async function watch(call: Call, id: string, { json }: { readonly json?: true }): Promise<FinishedEvent> {
  for await (const event of followToTheEnd(call, id)) {
    const line = json ? JSON.stringify(event) : lineFor(event)
    if (line !== undefined) console.log(line)
    if (event.type === 'failed') throw new ProtocolError(errorCode(event.code), event.reason)
    if (event.type === 'finished') return event
  }
  throw new ProtocolError('ERR_UNREACHABLE', 'the coordinator stopped before the run ended')
}

async function* followToTheEnd(call: Call, id: string): AsyncGenerator<RunEvent> {
  let round = -1
  for (let lost = 0; lost < patience; ) {
    try {
      for await (const event of follow(call, id)) {
        lost = 0
        // A new connection tells the run again from where the coordinator knows it.
        if (event.type === 'round' && event.round <= round) continue
        if (event.type === 'round') round = event.round
        yield event
        if (event.type === 'finished' || event.type === 'failed') return
      }
    } catch (error) {
      if (error instanceof ProtocolError && error.code !== 'ERR_UNREACHABLE') throw error
      if (lost + 500 >= patience) throw error
    }
    await delay(500)
    lost += 500
  }
}

async function* follow(call: Call, id: string): AsyncGenerator<RunEvent> {
  const response = await call(`runs/${id}/events`)
  if (response.body === null) return
  for await (const line of createInterface({ input: Readable.from(response.body) }))
    yield parseRunEvent(JSON.parse(line))
}
