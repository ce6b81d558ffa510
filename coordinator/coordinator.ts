/** The coordinator as a process: it opens its store and its doors, lets sites in, and takes up the runs it finds. */

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { openIdentity } from '../protocol/crypto/node/identity.ts'
import type { RosterEntry } from '../protocol/wire/messages.ts'
import { access } from './access.ts'
import { runRoutes } from './api.ts'
import { bulkPlane } from './bulk.ts'
import { doorLimits } from './doors/limits.ts'
import { rate } from './doors/requests.ts'
import type { TlsFiles } from './doors/tls.ts'
import { operatorEnrolmentRoutes, overview } from './enrolment/operator-routes.ts'
import { openOperatorToken } from './enrolment/operator-token.ts'
import { openRegistryLog } from './enrolment/registry-log.ts'
import { registryService } from './enrolment/registry-service.ts'
import { type EnrolmentEvent, enrolmentRoutes } from './enrolment/routes.ts'
import { openFeed } from './feed.ts'
import { Hub } from './hub.ts'
import { admit } from './lobby.ts'
import { clock, random } from './machine.ts'
import { type OperationsOptions, openOperations } from './operations/operations.ts'
import { watchRoutes } from './operations/routes.ts'
import type { StragglerRule } from './pace.ts'
import { openPages } from './pages.ts'
import { openRosters } from './rosters.ts'
import { blobsOfRuns, releaseEnded } from './run-blobs.ts'
import { Runs } from './runs.ts'
import { openDoors } from './server.ts'
import { openBlobs } from './store/blobs/index.ts'
import { onStore } from './store/faults.ts'
import { openStore } from './store/index.ts'

export interface CoordinatorOptions {
  /** Keys, tokens, staged uploads; runs, journals and published blobs where no other store is named. */
  readonly folder: string
  readonly host: string
  readonly port: number
  /** A roster made by hand; where unset, sites enrol with invitations. */
  readonly roster: readonly RosterEntry[] | undefined
  readonly tls?: TlsFiles | undefined
  /** Reverse proxies in front. */
  readonly proxies?: number
  /** Nothing is logged or traced where unset. */
  readonly operations?: OperationsOptions
  /** Somebody waits for the operator. */
  readonly onEnrolment?: (event: EnrolmentEvent) => void
  /** Milliseconds without a byte or a heartbeat after which a site is given up for the round. */
  readonly patience: number
  /** How many times what the slowest of the others took a site that is still at work may take; unset waits for it. */
  readonly stragglerFactor?: number | undefined
  /** Milliseconds that a round waits for sites whose connection was lost when it waits for nobody else; none where unset. */
  readonly grace?: number
  /** The versions of the wire to speak, oldest first; all that are known where unset. */
  readonly versions?: readonly number[]
  /** Milliseconds to wait for the rest of the roster once the quorum is there. */
  readonly assembly: number
  /** Runs that are under way at one time; the others are queued. */
  readonly runsAtOnce?: number
  /** A PostgreSQL database; SQLite in `folder` where unset. */
  readonly databaseUrl: string | undefined
  /** An S3-compatible bucket for sums and states; `folder` where unset. */
  readonly blobsUrl: string | undefined
}

const silent: OperationsOptions = { logLevel: 'silent', logFile: undefined, traces: undefined }

export interface Coordinator {
  readonly port: number
  readonly identity: Uint8Array
  /** Rejects where the store fails: then nothing more happens, and a restart goes on from what was kept. */
  readonly failed: Promise<never>
  /** Reads the TLS certificate again. @throws InputError ERR_TLS */
  renewCertificate(): Promise<void>
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
    const rosters = await openRosters(store)
    const registry = registryService({
      ...{ log: await openRegistryLog(store), identity, clock },
      onRoster: options.roster === undefined ? rosters.take : undefined,
    })
    await rosters.take(options.roster ?? registry.roster)
    await openOperatorToken(join(folder, 'operator.token'), registry, clock.now())
    const blobs = await openBlobs(join(folder, 'blobs'), options.blobsUrl, process.env)
    await releaseEnded(store, blobs)
    const bulk = await bulkPlane({ staging: join(folder, 'staging'), published: blobs, onFault: fail })
    const hub = new Hub({ bulk, clock, patience: options.patience })
    const pages = await openPages()
    const { observer, metrics } = await openOperations(options.operations ?? silent, () => hub.size)
    const runs = await Runs.open({
      ...{ store, identity, hub, onFault: fail, blobsOf: blobsOfRuns(store, blobs) },
      roster: () => rosters.current,
      observe: observer.run,
      pages: pages.hash,
      ...{ assembly: options.assembly, patience: options.patience, grace: options.grace ?? 0 },
      ...{ atOnce: options.runsAtOnce ?? 4, stragglers: stragglerRule(options) },
    })
    const doors = await openDoors({
      ...{ host: options.host, port: options.port, bulk },
      ...{ tls: options.tls, proxies: options.proxies ?? 0 },
      routes: (app) => {
        const guard = access(registry.roleOf)
        const removed = (site: Uint8Array): void =>
          hub.dismiss(site, 'ERR_ROSTER_CHANGED', 'the roster has changed; connect anew')
        app.use('/enrol', rate(doorLimits.enrolmentPerMinute))
        app.use('/api', rate(doorLimits.apiPerMinute))
        watchRoutes(app, { store, metrics, access: guard })
        runRoutes(app, runs, guard)
        if (options.roster === undefined) {
          const parts = { registry, coordinator: identity.publicKey, now: clock.now }
          const plans = (): string[] => runs.plans()
          app.use('/enrol', enrolmentRoutes({ ...parts, plans, report: options.onEnrolment ?? (() => {}) }))
          app.use('/api', operatorEnrolmentRoutes({ ...parts, access: guard, removed }))
        }
        app.use(pages.router)
      },
      sockets: (io) =>
        openFeed(io, {
          runs,
          roleOf: registry.roleOf,
          roster: options.roster === undefined ? () => overview(registry.current) : undefined,
        }),
      onConnection: (connection) =>
        void admit(connection, {
          ...{ identity, hub, random, versions: options.versions },
          roster: () => rosters.current.sites,
        }),
    })
    return {
      port: doors.port,
      identity: identity.publicKey,
      failed,
      renewCertificate: doors.renew,
      close: async () => {
        runs.close()
        hub.closeAll('ERR_STOPPED', 'the coordinator was stopped')
        await doors.close()
        await observer.close()
        await store.close()
      },
    }
  } catch (error) {
    await store.close()
    throw error
  }
}

/** A site that is given up by its silence only after a while is not left behind sooner. */
const stragglerRule = ({ stragglerFactor: factor, patience }: CoordinatorOptions): StragglerRule | undefined =>
  factor === undefined ? undefined : { factor, floor: patience }
