/**
 * One round of the secure sum, measured: `node secagg-case.js '{"sites": 100, "parameters": 1000000, "dropped": 0.1}'` prints one
 * line of JSON. A process of its own, so that its memory is that of the round.
 *
 * Real: every site's keys, shares and signatures; one site's whole part, measured; the server's whole part, measured.
 * The other sites' vectors are masked, and the sum checked, where that is little work; elsewhere they are random words,
 * which cost the server the same.
 */

import { createCipheriv, randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import * as z from 'zod'
import type { SumRequest } from '../protocol/algorithm.ts'
import { createNodeProvider, nodeProvider as provider } from '../protocol/crypto/node/provider.ts'
import type { CryptoProvider, Mask } from '../protocol/crypto/provider.ts'
import * as client from '../protocol/secagg/client.ts'
import { drawGroups } from '../protocol/secagg/groups.ts'
import { encodeSecure, type SessionKey, type Upload } from '../protocol/secagg/messages.ts'
import { unmask } from '../protocol/secagg/recover.ts'
import * as server from '../protocol/secagg/server.ts'
import { openSession } from '../protocol/secagg/session.ts'
import { Stream } from '../protocol/stream.ts'
import { decode, encode, scaleOf } from '../protocol/vector/encoding.ts'
import { packedLength, packVector, unpackVector, zeroVector } from '../protocol/vector/packing.ts'
import { attemptOf } from '../protocol/wire/attempts.ts'

const caseSchema = z.object({
  sites: z.int(),
  parameters: z.int(),
  /** Share of the sites that deposit and then send no vector. */
  dropped: z.number().min(0).max(0.3),
  bits: z.union([z.literal(16), z.literal(20), z.literal(24), z.literal(32)]).default(32),
})
export type Case = z.input<typeof caseSchema>

export const measuredSchema = z.object({
  /** Groups of the round; what follows is of one of them, with so many members, of whom so many sent a vector. */
  groups: z.int(),
  members: z.int(),
  survivors: z.int(),
  /** CPU milliseconds of the whole process, threads included. */
  clientKeys: z.number(),
  clientEncode: z.number(),
  clientMask: z.number(),
  serverMessages: z.number(),
  /** SHA-256 over what was uploaded: the transport's check, not the sum's. */
  serverHash: z.number(),
  serverAdd: z.number(),
  serverUnmask: z.number(),
  serverDecode: z.number(),
  /** One AES-CTR pass over the vector's bytes and one add into a vector. */
  floor: z.number(),
  uploadBytes: z.number(),
  vectorBytes: z.number(),
  downloadBytes: z.number(),
  /** Growth of the resident set over the part, in bytes; 0 where the system does not tell. */
  clientPeak: z.number(),
  serverPeak: z.number(),
  /** Whether every vector was masked and the sum came out right. */
  checked: z.boolean(),
})
export type Measured = z.infer<typeof measuredSchema>

/** All vectors are masked up to so many words of keystream. */
const fullyMasked = 2e9
const stateHash = new Uint8Array(32).fill(3)
/** For the sites whose vectors are random words anyway. */
const withoutMasks: CryptoProvider = { ...provider, addMasks: async () => {} }

async function measure({ sites, parameters, dropped, bits }: z.infer<typeof caseSchema>): Promise<Measured> {
  const request: SumRequest = {
    purpose: 'bench',
    bits: 32,
    lanes: [
      { name: 'update', length: parameters, bound: 1, l2: 1, kind: 'real', ...(bits === 32 ? {} : { bits }) },
      { name: 'weight', length: 1, bound: 1, kind: 'real' },
    ],
  }
  const values = inputs(parameters)
  const floor = floorOf(4 * parameters)
  const { parties, adder } = await cohortOf(sites)
  const [attempt, nextAttempt] = [attemptOf(1, 0), attemptOf(2, 0)]
  const groups = await drawGroups(provider, adder.session, attempt)
  const next = await drawGroups(provider, adder.session, nextAttempt)
  const [group] = groups
  const states = new Map<number, client.ClientState>()
  const keys = new Map<number, SessionKey>()
  for (const party of parties) {
    const { state, answer } = await client.join(party)
    states.set(party.index, state)
    keys.set(party.index, answer)
  }
  const stateOf = (index: number): client.ClientState => {
    const state = states.get(index)
    if (state === undefined) throw new Error(`site ${index} has not joined`)
    return state
  }
  const members = group.members.map((index) => parties[index])
  const deposits = new Map<number, server.Deposited>()
  for (const party of members) {
    const { state, answer } = await client.deposit(party, stateOf(party.index), { attempt, peers: [...keys.values()] })
    states.set(party.index, state)
    deposits.set(party.index, await server.checkBundle(adder, party.index, answer))
  }

  const cpu = new Meter()
  const survivors = members.slice(0, members.length - Math.floor(dropped * members.length))
  const measured = survivors[survivors.length - 1].index
  const checked = survivors.length * members.length * parameters <= fullyMasked
  await warmUp(parameters)
  const opening = { attempt, group, stateHash, previous: [], deposits, keys, zero: new Int32Array(0) }
  let round = await cpu.of('serverMessages', () => server.openRound(adder, opening))
  const starts = await cpu.of('serverMessages', () => server.roundStarts(adder, round, { keys, next }))
  const uploads: { readonly index: number; readonly message: Upload; readonly bytes: Uint8Array }[] = []
  const random = new Uint8Array(randomBytes(checked ? 0 : packedLength(request)))
  let clientPeak = 0
  let uploadBytes = packedLength(request)
  let downloadBytes = packedLength(request)
  for (const party of survivors) {
    const { index } = party
    const start = starts.get(index)
    if (start === undefined) throw new Error(`site ${index} is not in the round`)
    // The last site is the one that is measured: by then the machine runs compiled code, as in any later round.
    if (index === measured) cpu.reset('clientKeys', 'clientEncode', 'clientMask')
    const started = await cpu.of('clientKeys', () => client.start(party, stateOf(index), start, stateHash))
    const before = index === measured ? residentSet() : Number.NaN
    const masking = checked || index === measured ? party : { ...party, provider: withoutMasks }
    const encoded =
      masking === party
        ? await cpu.of('clientEncode', async () => {
            return encode(values, request, { sites, coins: new Stream(`coins ${index}`) })
          })
        : new Int32Array(1)
    const masked = await cpu.of('clientMask', () => client.mask(masking, started.state, encoded))
    const bytes = masking === party ? await cpu.of('clientEncode', async () => packVector(encoded, request)) : random
    const hash = await cpu.of('clientEncode', () => provider.sha256(bytes))
    if (index === measured) clientPeak = peakSince(before)
    const announced = { hash, length: bytes.length, nextAttempt, peers: start.peers }
    const { state, answer } = await cpu.of('clientKeys', () => client.upload(party, masked, announced))
    states.set(index, state)
    uploads.push({ index, message: answer, bytes })
    if (index === measured) {
      uploadBytes += encodeSecure(answer).length
      downloadBytes += encodeSecure(start).length
    }
  }
  const spentByClient = cpu.client()

  // The server: one vector after the other, as they arrive.
  const beforeServer = residentSet()
  round = { ...round, sum: zeroVector(request) }
  for (const { index, message, bytes } of uploads) {
    await cpu.of('serverHash', () => provider.sha256(bytes))
    const vector = await cpu.of('serverAdd', async () => unpackVector(bytes, request))
    round = await cpu.of('serverAdd', () => server.takeUpload(adder, round, index, { message, vector }))
    await cpu.of('serverMessages', () => server.checkBundle(adder, index, message.next))
  }
  const closed = await cpu.of('serverMessages', () => server.closeUploads(adder, round))
  round = closed.round
  downloadBytes += encodeSecure(closed.request).length
  for (const party of survivors) {
    const { index } = party
    const agree = () => client.agree(party, stateOf(index), closed.request)
    const { state, answer } = index === measured ? await cpu.of('clientLate', agree) : await agree()
    states.set(index, state)
    if (index === measured) uploadBytes += encodeSecure(answer).length
    round = await cpu.of('serverMessages', () => server.takeConsistency(adder, round, index, answer))
  }
  const revealRequest = await cpu.of('serverMessages', () => server.requestReveal(adder, round))
  downloadBytes += encodeSecure(revealRequest).length
  for (const party of survivors) {
    const { index } = party
    const reveal = () => client.reveal(party, stateOf(index), revealRequest)
    const { answer } = index === measured ? await cpu.of('clientLate', reveal) : await reveal()
    if (index === measured) uploadBytes += encodeSecure(answer).length
    round = await cpu.of('serverMessages', () => server.takeReveal(adder, round, index, answer))
  }
  const { sum } = await cpu.of('serverUnmask', () => unmask(adder, round))
  const serverPeak = checked ? 0 : peakSince(beforeServer)
  const total = await cpu.of('serverDecode', async () => decode(sum, request, sites))
  if (checked) checkSum(total.update, { values: values.update, survivors: survivors.length, sites, request })
  return {
    groups: groups.length,
    members: members.length,
    survivors: survivors.length,
    ...spentByClient,
    clientKeys: spentByClient.clientKeys + cpu.spent('clientLate'),
    serverMessages: cpu.spent('serverMessages'),
    serverHash: cpu.spent('serverHash'),
    serverAdd: cpu.spent('serverAdd'),
    serverUnmask: cpu.spent('serverUnmask'),
    serverDecode: cpu.spent('serverDecode'),
    floor,
    uploadBytes,
    vectorBytes: packedLength(request),
    downloadBytes,
    clientPeak,
    serverPeak,
    checked,
  }
}

async function cohortOf(sites: number) {
  const identities = await Promise.all(
    Array.from({ length: sites + 1 }, async () => {
      const seed = new Uint8Array(randomBytes(32))
      const sign = (message: Uint8Array) => provider.ed25519Sign(seed, message)
      return { publicKey: await provider.ed25519PublicKey(seed), sign }
    }),
  )
  const [coordinator, ...members] = identities
  const session = await openSession(provider, {
    planHash: new Uint8Array(32).fill(7),
    roster: members.map(({ publicKey }, i) => ({ name: `site-${i}`, identity: publicKey })),
    rules: {},
    nonce: new Uint8Array(32).fill(9),
    coordinator: coordinator.publicKey,
  })
  const random = { bytes: (length: number) => new Uint8Array(randomBytes(length)) }
  const log = { load: async () => undefined, commit: async () => {} }
  // A provider each: what one site has verified, another has not.
  const parties = members.map(({ sign }, index): client.Party => {
    return { provider: createNodeProvider(), random, session, index, sign, log }
  })
  return { parties, adder: { provider, session, sign: coordinator.sign } }
}

function inputs(parameters: number): { readonly update: Float32Array; readonly weight: Float32Array } {
  const stream = new Stream('bench/secagg')
  const each = 0.99 / Math.sqrt(parameters)
  return {
    update: Float32Array.from({ length: parameters }, () => (2 * stream.uniform() - 1) * each),
    weight: Float32Array.of(0.5),
  }
}

interface Expected {
  readonly values: Float32Array
  readonly survivors: number
  readonly sites: number
  readonly request: SumRequest
}

/** Every survivor sent the same update, each rounded by less than a unit. */
function checkSum(total: ArrayLike<number>, { values, survivors, sites, request }: Expected): void {
  const [lane] = request.lanes
  // A rotated lane gathers the rounding of all its coordinates; eight deviations of it are never seen.
  const slack = lane.bits === 16 || lane.bits === 20 ? 8 * Math.sqrt(survivors) : survivors
  const unit = slack / scaleOf(lane, request, sites)
  const wrong = values.findIndex((value, i) => !(Math.abs(total[i] - survivors * value) <= unit))
  if (wrong >= 0) throw new Error(`the sum is wrong at ${wrong}: ${total[wrong]}`)
}

/** The least one mask can cost: its keystream once, and one addition into the vector. Median of seven. */
function floorOf(bytes: number): number {
  const vector = new Int32Array(bytes / 4)
  const zeros = new Uint8Array(64 * 1024)
  const other = new Int32Array(vector.length).fill(7)
  const once = (): number => {
    const cpu = new Meter()
    cpu.ofNow('floor', () => {
      const cipher = createCipheriv('aes-256-ctr', new Uint8Array(32), new Uint8Array(16))
      for (let at = 0; at < bytes; at += zeros.length)
        cipher.update(zeros.subarray(0, Math.min(zeros.length, bytes - at)))
      for (let i = 0; i < vector.length; i++) vector[i] = (vector[i] + other[i]) | 0
    })
    return cpu.spent('floor')
  }
  for (let i = 0; i < 3; i++) once()
  return Array.from({ length: 7 }, once).sort((a, b) => a - b)[3]
}

/** Threads that mask are started and their code is compiled once in a process, not once a round. */
async function warmUp(parameters: number): Promise<void> {
  const masks = Array.from({ length: 32 }, (_, i): Mask => ({ seed: new Uint8Array(32).fill(i), sign: 1 }))
  for (let i = 0; i < 3; i++) await provider.addMasks(new Int32Array(Math.min(parameters, 1_000_000)), masks)
}

/** CPU milliseconds by what they were spent on. */
class Meter {
  readonly #spent = new Map<string, number>()

  reset(...what: readonly string[]): void {
    for (const name of what) this.#spent.delete(name)
  }

  client() {
    const [clientKeys, clientEncode, clientMask] = ['clientKeys', 'clientEncode', 'clientMask'].map((name) =>
      this.spent(name),
    )
    return { clientKeys, clientEncode, clientMask }
  }

  async of<T>(what: string, work: () => Promise<T>): Promise<T> {
    const from = process.cpuUsage()
    const result = await work()
    this.#add(what, from)
    return result
  }

  ofNow(what: string, work: () => void): void {
    const from = process.cpuUsage()
    work()
    this.#add(what, from)
  }

  spent(what: string): number {
    return this.#spent.get(what) ?? 0
  }

  #add(what: string, from: NodeJS.CpuUsage): void {
    const { user, system } = process.cpuUsage(from)
    this.#spent.set(what, this.spent(what) + (user + system) / 1000)
  }
}

/** Resident bytes now, after a collection; the system's high-water mark begins anew here. */
function residentSet(): number {
  globalThis.gc?.()
  try {
    writeFileSync('/proc/self/clear_refs', '5')
    return process.memoryUsage.rss()
  } catch {
    return Number.NaN
  }
}

function peakSince(before: number): number {
  if (Number.isNaN(before)) return 0
  const [, kilobytes] = /VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  return Number(kilobytes) * 1024 - before
}

// The bench that starts this process also imports its types and schemas: then nothing runs.
const [, script, argument] = process.argv
if (script === fileURLToPath(import.meta.url)) {
  console.log(JSON.stringify(await measure(caseSchema.parse(JSON.parse(argument)))))
}
