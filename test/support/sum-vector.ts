/** Every step of one secure sum in hex, out of fixed draws: what another implementation can check itself against. */

import { toHex } from '../../protocol/bytes.ts'
import { nodeProvider as provider } from '../../protocol/crypto/node/provider.ts'
import * as client from '../../protocol/secagg/client.ts'
import { formationOf } from '../../protocol/secagg/formation.ts'
import { drawGroups } from '../../protocol/secagg/groups.ts'
import { bundleHash, pairSeed, sealKey, selfSeed } from '../../protocol/secagg/masks.ts'
import { encodeSecure, encodeSessionKey, type SecureMessage } from '../../protocol/secagg/messages.ts'
import { unmask } from '../../protocol/secagg/recover.ts'
import * as server from '../../protocol/secagg/server.ts'
import { hashRoster } from '../../protocol/secagg/session.ts'
import { bodies, signedBytes } from '../../protocol/secagg/signing.ts'
import { attemptOf } from '../../protocol/wire/attempts.ts'
import { attempt, cohortOf, openStage, type Stage, stateHash, stateOf, testRandom } from './secure-round.ts'

const five = [0, 1, 2, 3, 4]
const survivors = [0, 1, 3, 4]

/** Site 2 leaves after its keys are dealt; the others stay to the end. */
export async function sumVector(): Promise<Readonly<Record<string, unknown>>> {
  const stage = await openStage(await cohortOf(5), five, new Int32Array(3))
  const inputs = five.map((i) => Int32Array.of(1000 * (i + 1), -(i + 1), i))
  return {
    ...(await setUp(stage)),
    ...(await dealing(stage)),
    ...(await masking(stage)),
    ...(await messages(stage, inputs)),
    ...(await forming()),
  }
}

async function setUp({ cohort, keys, states }: Stage) {
  const { session } = cohort
  return {
    identitySeeds: Array.from({ length: 6 }, (_, i) => toHex(testRandom(`identity ${i}`).bytes(32))),
    coordinator: toHex(session.coordinator),
    identities: session.roster.map(({ identity }) => toHex(identity)),
    planHash: toHex(session.planHash),
    nonce: '09'.repeat(32),
    rosterHash: toHex(
      await hashRoster(
        provider,
        session.roster.map(({ identity }) => identity),
      ),
    ),
    sessionId: toHex(session.id),
    thresholds: [...session.formation.thresholds.values()][0],
    sessionSecrets: five.map((i) => toHex(stateOf({ states }, i).secret)),
    sessionKeys: [...keys.values()].map((key) => toHex(encodeSessionKey(key))),
  }
}

async function dealing({ cohort, round, states }: Stage) {
  const { session } = cohort
  const sealKeys: Record<string, string> = {}
  for (const from of five) {
    for (const to of five.filter((index) => index !== from)) {
      const shared = await provider.x25519(stateOf({ states }, from).secret, stateOf({ states }, to).key)
      sealKeys[`${from}>${to}`] = toHex(await sealKey(provider, session.id, { from, to, shared }))
    }
  }
  const bundles = await Promise.all(
    [...round.deposits.values()].map(async ({ bundle, keys }) => ({
      maskSecret: toHex(stateOf({ states }, bundle.index).deposit?.maskSecret ?? new Uint8Array(0)),
      selfSecret: toHex(stateOf({ states }, bundle.index).deposit?.selfSecret ?? new Uint8Array(0)),
      ownShare: toHex(stateOf({ states }, bundle.index).deposit?.ownShare ?? new Uint8Array(0)),
      maskKey: toHex(bundle.maskKey),
      selfCommit: toHex(bundle.selfCommit),
      sealed: bundle.shares.map(({ sealed }) => toHex(sealed)),
      commits: bundle.shares.map(({ commits }) => toHex(commits)),
      sharesHash: toHex(keys.sharesHash),
      bundleHash: toHex(await bundleHash(provider, session.id, { ...keys, attempt })),
      signature: toHex(bundle.signature),
    })),
  )
  return { attempt, stateHash: toHex(stateHash), sealKeys, bundles }
}

async function masking({ round, states }: Stage) {
  const selfSeeds: string[] = []
  const pairSeeds: Record<string, string> = {}
  for (const self of five) {
    const own = stateOf({ states }, self).deposit
    if (own === undefined) throw new Error('everybody has dealt')
    selfSeeds.push(toHex(await selfSeed(provider, round.transcript, self, own.selfSecret)))
    for (const peer of five.filter((index) => index > self)) {
      const peerKey = round.deposits.get(peer)?.keys.maskKey ?? new Uint8Array(32)
      const pair = { self, secret: own.maskSecret, peer, peerKey }
      pairSeeds[`${self},${peer}`] = toHex(await pairSeed(provider, round.transcript, pair))
    }
  }
  return { transcript: toHex(round.transcript), selfSeeds, pairSeeds }
}

/** All messages of the round, and what it comes to. Erases the secrets, so it comes last. */
async function messages(stage: Stage, inputs: readonly Int32Array[]) {
  const { adder, parties, session } = stage.cohort
  const frames: Record<string, string> = {}
  const note = (name: string, message: SecureMessage): void => {
    frames[name] = toHex(encodeSecure(message))
  }
  note('deposit-request', { type: 'deposit-request', attempt, peers: [...stage.keys.values()] })
  note('nack', { type: 'nack', attempt, dealer: 2 })
  const states = new Map(stage.states)
  let { round } = stage
  const masked: string[] = []
  for (const index of five) {
    const start = stage.starts.get(index)
    const bundle = round.deposits.get(index)?.bundle
    if (start === undefined || bundle === undefined) throw new Error('everybody is in the round')
    note(`deposit ${index}`, { type: 'deposit', bundle })
    note(`round-start ${index}`, start)
    const vector = inputs[index].slice()
    const begun = await client.start(parties[index], stateOf(stage, index), start, stateHash)
    const state = await client.mask(parties[index], begun.state, vector)
    const bytes = new Uint8Array(vector.buffer)
    masked.push(toHex(bytes))
    if (!survivors.includes(index)) continue
    const announced = { hash: await provider.sha256(bytes), length: bytes.length, nextAttempt: attemptOf(1, 0) }
    const uploaded = await client.upload(parties[index], state, { ...announced, peers: [...stage.keys.values()] })
    note(`upload ${index}`, uploaded.answer)
    states.set(index, uploaded.state)
    round = await server.takeUpload(adder, round, index, { message: uploaded.answer, vector })
  }
  const closed = await server.closeUploads(adder, round)
  round = closed.round
  note('sign-request', closed.request)
  for (const index of survivors) {
    const { state, answer } = await client.agree(parties[index], stateOf({ states }, index), closed.request)
    note(`consistency ${index}`, answer)
    states.set(index, state)
    round = await server.takeConsistency(adder, round, index, answer)
  }
  const request = await server.requestReveal(adder, round)
  note('unmask', request)
  for (const index of survivors) {
    const { answer } = await client.reveal(parties[index], stateOf({ states }, index), request)
    note(`reveal ${index}`, answer)
    round = await server.takeReveal(adder, round, index, answer)
  }
  const signedConsent = toHex(
    await signedBytes(provider, 'consistency', bodies.consistency(round.transcript, survivors)),
  )
  const { sum } = await unmask(adder, round)
  return {
    inputs: inputs.map((x) => [...x]),
    masked,
    survivors,
    signedConsent,
    sum: [...sum],
    frames,
    session: toHex(session.id),
  }
}

async function forming() {
  const { session } = await cohortOf(10, { quorum: { colluding: 0 }, encoding: { group: 4 } })
  const draws = await Promise.all(
    [0, 1].map(async (round) =>
      (await drawGroups(provider, session, attemptOf(round, 0))).map(({ members }) => members),
    ),
  )
  const formations = [
    [3, {}],
    [128, {}],
    [129, {}],
    [1000, {}],
    [1000, { quorum: { colluding: 20 }, encoding: { group: 32 } }],
    [100, { encoding: { mode: 'fast' } }],
  ] as const
  return {
    groups: { sessionId: toHex(session.id), sites: 10, largest: 4, draws },
    formations: formations.map(([sites, rules]) => {
      const { thresholds, honest, needed, minimum, groups } = formationOf(sites, rules)
      return { sites, rules, groups, needed, minimum, honest, thresholds: Object.fromEntries(thresholds) }
    }),
  }
}
