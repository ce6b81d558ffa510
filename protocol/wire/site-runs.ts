/** A site's runs over its one link: each is served on its own, and one that broke off is asked for anew. */

import { ProtocolError } from '../errors.ts'
import type { SiteLink } from './channel.ts'
import { envelope, openEnvelope } from './envelope.ts'
import { Mailbox } from './mailbox.ts'
import { decodeMessage } from './messages.ts'

export interface SiteRuns {
  /** The link after its handshake. */
  readonly link: SiteLink
  /** Takes part in a run until it is over or its link ends. */
  readonly serve: (run: string, link: SiteLink) => Promise<unknown>
  /** Whether a run that broke off with this error may be asked for anew. */
  readonly isPassing: (error: ProtocolError) => boolean
  /** Waits a while before it is, the longer the more often it broke off. */
  readonly pause: (failures: number) => Promise<void>
}

/** Frames of a run, some rounds of them, after which it counts as healthy. */
const healthyFrames = 30

/** Until the link ends. @throws what ended a run and is not passing. */
export async function serveRuns({ link, serve, isPassing, pause }: SiteRuns): Promise<void> {
  const inboxes = new Map<string, Mailbox<Uint8Array>>()
  const failures = new Map<string, number>()
  const taken = new Map<string, number>()
  const work = new Set<Promise<void>>()
  let fault: { readonly error: unknown } | undefined

  const take = async (run: string, inbox: Mailbox<Uint8Array>): Promise<void> => {
    try {
      await serve(run, linkOf(link, run, inbox))
      failures.delete(run)
      taken.delete(run)
    } catch (error) {
      if (error instanceof ProtocolError && isPassing(error)) {
        // A run that went well for a while has not broken off again, but anew.
        const count = ((taken.get(run) ?? 0) > healthyFrames ? 0 : (failures.get(run) ?? 0)) + 1
        taken.delete(run)
        failures.set(run, count)
        await pause(count)
        link.send(envelope({ run, frame: new Uint8Array(0) }))
      } else {
        fault ??= { error }
        link.close()
      }
    } finally {
      inboxes.delete(run)
    }
  }
  for await (const bytes of link.frames) {
    const { run, frame } = openEnvelope(bytes)
    const inbox = inboxes.get(run)
    taken.set(run, (taken.get(run) ?? 0) + 1)
    if (inbox !== undefined) inbox.put(frame)
    // A run begins with its offer: what comes before belongs to what broke off.
    else if (decodeMessage(frame).type === 'offer') {
      const fresh = new Mailbox<Uint8Array>()
      fresh.put(frame)
      inboxes.set(run, fresh)
      const mine = take(run, fresh).finally(() => work.delete(mine))
      work.add(mine)
    }
  }
  for (const inbox of inboxes.values()) inbox.close()
  await Promise.all(work)
  if (fault !== undefined) throw fault.error
}

const linkOf = (link: SiteLink, run: string, frames: Mailbox<Uint8Array>): SiteLink => ({
  send: (frame) => link.send(envelope({ run, frame })),
  frames,
  close: () => frames.close(),
  upload: (blob, hash) => link.upload(blob, hash),
  download: (hash, maxBytes) => link.download(hash, maxBytes),
})
