/** The coordinator as a process: it opens its store and its doors, lets sites in, and takes up the runs it finds. */

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { equalBytes } from '../protocol/bytes.ts'
import type { RosterEntry } from '../protocol/wire/messages.ts'
import { openToken, operatorRoutes } from './api.ts'
import { bulkPlane } from './bulk.ts'
import { admit } from './lobby.ts'
import { clock, openIdentity, random } from './machine.ts'
import { Members } from './members.ts'
import { blobsOfRuns } from './run-blobs.ts'
import { openRuns } from './runs.ts'
import { openDoors } from './server.ts'
import { openBlobs } from './store/blobs/index.ts'
import { onStore } from './store/faults.ts'
import { openStore } from './store/index.ts'
import type { RosterVersion, Store } from './store/store.ts'

export interface CoordinatorOptions {
  /** Keys, tokens, staged uploads; runs, journals and published blobs where no other store is named. */
  readonly folder: string
  readonly host: string
  readonly port: number
  readonly roster: readonly RosterEntry[]
  /** Milliseconds without a byte or a heartbeat after which a site is given up for the round. */
  readonly patience: number
  /** Milliseconds to wait for the rest of the roster once the quorum is there. */
  readonly assembly: number
  /** A PostgreSQL database; SQLite in `folder` where unset. */
  readonly databaseUrl: string | undefined
  /** An S3-compatible bucket for sums and states; `folder` where unset. */
  readonly blobsUrl: string | undefined
}

export interface Coordinator {
  readonly port: number
  readonly identity: Uint8Array
  /** Rejects where the store fails: then nothing more happens, and a restart goes on from what was kept. */
  readonly failed: Promise<never>
  close(): Promise<void>
}

export async function startCoordinator(options: CoordinatorOptions): Promise<Coordinator> {
  const { folder } = options
  await onStore(folder, () => mkdir(folder, { recursive: true, mode: 0o700 }))
  const store = await openStore(folder, options.databaseUrl)
  let fail: (error: unknown) => void = () => {}
  const failed = new Promise<never>((_, reject) => {
    fail = reject
  })
  // Whoever started the coordinator looks at it; until then it is nobody's unhandled fault.
  failed.catch(() => {})
  try {
    const identity = await openIdentity(join(folder, 'coordinator.key'))
    const token = await openToken(join(folder, 'operator.token'))
    const blobs = await openBlobs(join(folder, 'blobs'), options.blobsUrl, process.env)
    const bulk = await bulkPlane({ staging: join(folder, 'staging'), published: blobs, onFault: fail })
    const roster = await currentRoster(store, options.roster)
    const members = new Members({ clock, patience: options.patience })
    const runs = await openRuns({
      ...{ store, identity, members, roster, onFault: fail, assembly: options.assembly },
      blobsOf: blobsOfRuns(store, blobs),
    })
    const doors = await openDoors({
      host: options.host,
      port: options.port,
      bulk,
      routes: (app) => operatorRoutes(app, runs, token),
      onLink: (link) => void admit(link, { identity, members, roster: roster.sites, random }),
    })
    return {
      port: doors.port,
      identity: identity.publicKey,
      failed,
      close: async () => {
        members.closeAll('ERR_STOPPED', 'the coordinator was stopped')
        await doors.close()
        await store.close()
      },
    }
  } catch (error) {
    await store.close()
    throw error
  }
}

/** The roster as it was given is the store's newest version, or becomes it. */
async function currentRoster(store: Store, given: readonly RosterEntry[]): Promise<RosterVersion> {
  const newest = (await store.rosters()).at(-1)
  const same =
    newest?.sites.length === given.length &&
    newest.sites.every(({ name, identity }, i) => name === given[i].name && equalBytes(identity, given[i].identity))
  return newest !== undefined && same ? newest : store.addRoster(given, clock.now())
}
