/** The coordinator as a process: it opens the doors, proves its identity to sites, and runs one plan after another. */

import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { computationOf, planMenus } from '../learning/computation.ts'
import { equalBytes } from '../protocol/bytes.ts'
import { openKeyFile } from '../protocol/crypto/node/key-file.ts'
import { nodeProvider } from '../protocol/crypto/node/provider.ts'
import { InputError, ProtocolError } from '../protocol/errors.ts'
import { type Plan, parsePlanFile } from '../protocol/plan.ts'
import type { Random } from '../protocol/random.ts'
import type { CoordinatorLink } from '../protocol/wire/channel.ts'
import { type Identity, receive, welcome } from '../protocol/wire/handshake.ts'
import { encodeMessage, type RosterEntry } from '../protocol/wire/messages.ts'
import { openToken, operatorRoutes, type Runs, type RunView } from './api.ts'
import { type FileBlobs, fileBlobs } from './blobs.ts'
import { bulkPlane } from './bulk.ts'
import { checkpointOf } from './checkpoint.ts'
import type { Clock } from './clock.ts'
import { EventLog } from './event-log.ts'
import { openJournal } from './journal-file.ts'
import { Members } from './members.ts'
import { type OpenRun, type OpenRuns, openRuns } from './open-runs.ts'
import { runPlan } from './run.ts'
import { openDoors } from './server.ts'

export interface CoordinatorOptions {
  /** Keys, tokens, journals and published blobs. */
  readonly folder: string
  readonly host: string
  readonly port: number
  readonly roster: readonly RosterEntry[]
  /** Milliseconds without a byte or a heartbeat after which a site is given up for the round. */
  readonly patience: number
  /** Milliseconds to wait for the rest of the roster once the quorum is there. */
  readonly assembly: number
}

export interface Coordinator {
  readonly port: number
  readonly identity: Uint8Array
  close(): Promise<void>
}

const clock: Clock = {
  now: () => Date.now(),
  wait: async (milliseconds, signal) => {
    await delay(milliseconds, undefined, { signal, ref: true }).catch(() => {})
  },
}
const random: Random = { bytes: (length) => new Uint8Array(randomBytes(length)) }

/** A peer that has connected must prove who it is within this time. */
const handshakeMilliseconds = 10_000

export async function startCoordinator(options: CoordinatorOptions): Promise<Coordinator> {
  await mkdir(join(options.folder, 'runs'), { recursive: true, mode: 0o700 })
  const identity = await openIdentity(join(options.folder, 'coordinator.key'))
  const token = await openToken(join(options.folder, 'operator.token'))
  const blobs = await fileBlobs(join(options.folder, 'blobs'))
  const bulk = await bulkPlane(join(options.folder, 'staging'), blobs.path)
  const members = new Members({ clock, patience: options.patience })
  const runs = await queue({ ...options, identity, members, blobs })
  const doors = await openDoors({
    host: options.host,
    port: options.port,
    bulk,
    routes: (app) => operatorRoutes(app, runs, token),
    onLink: (link) => void admit(link, { identity, members, roster: options.roster }),
  })
  return {
    port: doors.port,
    identity: identity.publicKey,
    close: async () => {
      members.closeAll('ERR_STOPPED', 'the coordinator was stopped')
      await doors.close()
    },
  }
}

async function openIdentity(path: string): Promise<Identity> {
  const { seed } = await openKeyFile(path)
  return {
    publicKey: await nodeProvider.ed25519PublicKey(seed),
    sign: (message) => nodeProvider.ed25519Sign(seed, message),
  }
}

interface Lobby {
  readonly identity: Identity
  readonly members: Members
  readonly roster: readonly RosterEntry[]
}

/** Lets a site of the roster in once it has proved its key; whatever else connects is told why not, and cut off. */
async function admit(link: CoordinatorLink, { identity, members, roster }: Lobby): Promise<void> {
  const late = setTimeout(() => link.close(), handshakeMilliseconds)
  try {
    const find = (key: Uint8Array): number => roster.findIndex((entry) => equalBytes(entry.identity, key))
    const peer = await receive(link, (key) => find(key) >= 0, { identity, verify: nodeProvider.ed25519Verify, random })
    const index = find(peer.identity)
    link.authorise(peer.token, () => members.heard(index))
    link.send(welcome(peer.token))
    members.connect({ index, name: roster[index].name }, link)
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    link.send(encodeMessage({ type: 'abort', attempt: 0, code: error.code, reason: error.message }))
    link.close()
  } finally {
    clearTimeout(late)
  }
}

interface QueueParts extends CoordinatorOptions {
  readonly identity: Identity
  readonly members: Members
  readonly blobs: FileBlobs
}

/** Runs are taken one after another, in the order they were submitted; those that an earlier process left come first. */
async function queue(parts: QueueParts): Promise<Runs> {
  const runs = new Map<string, RunView>()
  const store = await openRuns(join(parts.folder, 'open'))
  let last: Promise<void> = Promise.resolve()
  const enqueue = (open: OpenRun): RunView => {
    const { plan } = parsePlanFile(open.plan, planMenus)
    // Faults of the plan as a whole show here, before any site is asked.
    computationOf(plan, parts.roster.length)
    const events = new EventLog()
    const view: RunView = { id: open.id, name: plan.name, follow: () => events.follow() }
    runs.set(open.id, view)
    last = last.then(() => execute({ ...parts, open, plan, events, store }))
    return view
  }
  for (const open of await store.list()) enqueue(open)
  return {
    find: (id) => runs.get(id),
    list: () => [...runs.values()],
    submit: async (plan) => {
      const open = { id: randomBytes(8).toString('hex'), plan, nonce: random.bytes(32) }
      computationOf(parsePlanFile(plan, planMenus).plan, parts.roster.length)
      await store.add(open)
      return enqueue(open)
    },
  }
}

interface Execution extends QueueParts {
  readonly open: OpenRun
  readonly plan: Plan
  readonly events: EventLog
  readonly store: OpenRuns
}

async function execute({ open, events, store, ...parts }: Execution): Promise<void> {
  const { plan, roster } = parts
  try {
    const log = await openJournal(join(parts.folder, 'runs', `${open.id}.jsonl`), parts.identity, clock)
    const computation = computationOf(plan, roster.length)
    await runPlan({
      ...parts,
      ...computation,
      nonce: open.nonce,
      from: await checkpointOf(
        log.entries.map(({ entry }) => entry),
        computation.algorithm,
        parts.blobs,
      ),
      provider: nodeProvider,
      random,
      clock,
      journal: log.journal,
      report: events.add.bind(events),
    })
    await log.close()
    await store.remove(open.id)
  } catch (error) {
    const known = error instanceof InputError || error instanceof ProtocolError
    // A fault of ours or of the disk leaves the run open: a restart takes it up again.
    if (known && error.code !== 'ERR_JOURNAL' && error.code !== 'ERR_STORE') await store.remove(open.id)
    events.add({
      type: 'failed',
      code: known ? error.code : 'ERR_INTERNAL',
      reason: known ? error.message : 'the coordinator failed; its own terminal says why',
    })
    if (!known) console.error(error)
  } finally {
    events.end()
  }
}
