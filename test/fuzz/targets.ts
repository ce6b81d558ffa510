/** Every decoder that a stranger's bytes reach, with valid frames of each kind: a new message asks for its frame here. */

import { readFileSync } from 'node:fs'
import { parseModelFile, writeModel } from '../../learning/algorithms/model-file.ts'
import { decodeState, encodeState } from '../../learning/algorithms/training-state.ts'
import { planMenus } from '../../learning/computation.ts'
import { models } from '../../learning/models/index.ts'
import type { SumRequest } from '../../protocol/algorithm.ts'
import { fromBase64, toBase64 } from '../../protocol/base64.ts'
import { fromHex, readableText, toHex, utf8 } from '../../protocol/bytes.ts'
import { canonicalBytes } from '../../protocol/canonical.ts'
import { inviteLink, parseInviteLink } from '../../protocol/enrolment/invite.ts'
import { decodeEntry, decodeLog } from '../../protocol/journal/codec.ts'
import { parsePlan, parsePlanFile } from '../../protocol/plan.ts'
import { parseRoster } from '../../protocol/roster.ts'
import {
  type Bundle,
  decodeSecure,
  decodeSessionKey,
  encodeSecure,
  encodeSessionKey,
  type SecureMessage,
  type SessionKey,
} from '../../protocol/secagg/messages.ts'
import { decodeRecord, encodeRecord } from '../../protocol/secagg/record.ts'
import { decode } from '../../protocol/vector/encoding.ts'
import { packedLength, unpackVector } from '../../protocol/vector/packing.ts'
import { envelope, openEnvelope } from '../../protocol/wire/envelope.ts'
import { decodeMessage, encodeMessage, type Message } from '../../protocol/wire/messages.ts'
import { NumberedFrames } from '../../protocol/wire/numbered.ts'
import type { Target } from './fuzz.ts'

const filled = (length: number, byte: number): Uint8Array => new Uint8Array(length).fill(byte)
const hash = filled(32, 1)
const signature = filled(64, 2)
const code = 'ERR_TEST'
const reason = 'because'
const roster = [3, 4, 5].map((byte) => ({ name: `site-${byte}`, identity: filled(32, byte) }))
const attempt = 65_537

const sessionKey: SessionKey = { index: 1, key: hash, signature }
const share = (peer: number) => ({ peer, key: hash, sealed: filled(112, 7), commits: filled(64, 8) })
const bundle: Bundle = { index: 0, attempt, maskKey: hash, selfCommit: hash, shares: [1, 2].map(share), signature }
const member = (index: number) => ({ index, maskKey: hash, selfCommit: hash, sharesHash: hash, signature })

const secure: { readonly [T in SecureMessage['type']]: Extract<SecureMessage, { readonly type: T }> } = {
  'deposit-request': { type: 'deposit-request', attempt, peers: [sessionKey, { ...sessionKey, index: 2 }] },
  deposit: { type: 'deposit', bundle },
  'round-start': {
    ...{ type: 'round-start', attempt, stateHash: hash, previous: [hash], members: [0, 1, 2].map(member) },
    ...{ sealed: [1, 2].map(share), peers: [sessionKey], signature },
  },
  nack: { type: 'nack', attempt, dealer: 2 },
  upload: { type: 'upload', attempt, transcript: hash, vectorHash: hash, vectorLength: 4000, next: bundle, signature },
  'sign-request': { type: 'sign-request', attempt, survivors: [0, 1, 2], signature },
  consistency: { type: 'consistency', attempt, signature },
  unmask: { type: 'unmask', attempt, survivors: [0, 1, 2], certificate: [{ index: 0, signature }], signature },
  reveal: { type: 'reveal', attempt, shares: [{ of: 0, share: hash }], signature },
}
const secureFrames = Object.values(secure).map(encodeSecure)

const messages: { readonly [T in Message['type']]: Extract<Message, { readonly type: T }> } = {
  hello: { type: 'hello', version: 1, identity: hash, nonce: hash },
  challenge: { type: 'challenge', version: 1, identity: hash, nonce: hash, signature },
  proof: { type: 'proof', signature, agent: 'concordat 1.2.3, Node 20' },
  welcome: { type: 'welcome', token: hash },
  resume: { type: 'resume', signature, received: 7, claim: signature },
  resumed: { type: 'resumed', received: 7 },
  offer: { type: 'offer', plan: utf8('{"concordat":1}'), roster, nonce: hash, signature },
  join: { type: 'join', sessionKey: encodeSessionKey(sessionKey), consent: signature },
  record: { type: 'record', from: 3, lines: [hash] },
  countersign: { type: 'countersign', index: 4, head: hash, signature },
  withdraw: { type: 'withdraw', reason, signature },
  decline: { type: 'decline', code, reason },
  secure: { type: 'secure', body: secureFrames[0] },
  progress: { type: 'progress', attempt, done: 5 },
  'round-end': {
    ...{ type: 'round-end', attempt, startHash: hash, survivors: 3, sumHash: hash, sumLength: 4000 },
    ...{ stateHash: hash, journalHead: hash },
  },
  abort: { type: 'abort', attempt, code, reason },
  finish: { type: 'finish', code: 'OK', reason, stateHash: hash },
}

const journal = [
  { type: 'plan', name: 'heart', planHash: toHex(hash), session: toHex(hash), coordinator: toHex(hash) },
  { type: 'roster', sites: roster.map(({ name, identity }) => ({ name, identity: toHex(identity) })) },
  { type: 'pages', hash: toHex(hash) },
  { type: 'round-start', attempt, purpose: 'statistics', startHash: toHex(hash) },
].map((entry, index) => canonicalBytes({ index, at: 1000, entry, previous: toHex(hash), signature: toHex(signature) }))

const request: SumRequest = {
  purpose: 'test',
  bits: 32,
  lanes: [
    { name: 'update', length: 50, bound: 1, l2: 1, kind: 'real', bits: 20 },
    { name: 'weight', length: 3, bound: 1, kind: 'real' },
  ],
  rotation: 'test',
}

const shape = { rounds: 10, statistics: 3, parameters: 4, slots: [4], evaluation: 2, report: 1 }
const state = encodeState({
  ...{ kind: 'underway', round: 2, statistics: Float64Array.of(1, 2, 3), parameters: Float32Array.of(1, 2, 3, 4) },
  ...{ slots: [Float32Array.of(1, 2, 3, 4)], evaluation: Float64Array.of(1, 2), evaluated: false },
  report: Float64Array.of(1),
})

const plans = ['heart', 'digits', 'hospitals'].map((name) => new Uint8Array(readFileSync(`examples/${name}.yaml`)))
const rosterText = JSON.stringify({ sites: roster.map(({ name, identity }) => ({ name, identity: toHex(identity) })) })
const invitation = { url: 'https://c.example', coordinator: hash, seed: hash, name: 'site-a', expires: 1e12 }

const columns = ['a', 'b'].map((name) => ({ name, type: 'number', range: [0, 1] }))
const label = { column: 'y', type: 'binary' as const, positive: ['1'], negative: ['0'], missing: [] }
const trained = parsePlan(
  {
    ...{ concordat: 1, name: 'test', algorithm: { name: 'fed-avg' }, model: { name: 'logistic' } },
    data: { columns, label },
  },
  planMenus,
)
const model = writeModel({
  ...{ plan: trained, model: models.logistic.describe({}, { features: 2, label }) },
  preprocessing: {
    columns: columns.map(({ name }) => ({ type: 'number' as const, name, mean: 0.5, deviation: 1, indicator: false })),
  },
  ...{ parameters: Float32Array.of(1, 2, 3), trainingRows: 10, metrics: undefined },
})

const text =
  (parse: (text: string) => unknown) =>
  (bytes: Uint8Array): unknown =>
    parse(readableText(bytes))

/** Beside what is proportional to a frame: a page for small things. */
const page = 4096

export const targets: readonly Target[] = [
  { name: 'control messages', seeds: Object.values(messages).map(encodeMessage), decode: decodeMessage },
  {
    name: 'numbered frames',
    seeds: [
      new NumberedFrames().number(envelope({ run: 'ab'.repeat(8), frame: hash })),
      Uint8Array.of(32, ...filled(8, 0)),
    ],
    decode: (bytes: Uint8Array) => {
      const frame = new NumberedFrames().take(bytes)
      return frame && openEnvelope(frame)
    },
  },
  { name: 'secure-sum messages', seeds: secureFrames, decode: decodeSecure },
  { name: 'session keys', seeds: [encodeSessionKey(sessionKey)], decode: decodeSessionKey, weight: 20 },
  {
    name: 'answer records',
    seeds: [
      encodeRecord({ session: hash, attempt, revealed: undefined, earlier: [filled(16, 1)] }),
      encodeRecord({
        ...{ session: hash, attempt, earlier: [] },
        revealed: { stateHash: hash, survivors: [0, 1, 2], contribution: hash },
      }),
    ],
    decode: decodeRecord,
  },
  { name: 'journal entries', seeds: journal, decode: decodeEntry, weight: 20 },
  { name: 'journals', seeds: [utf8(`${journal.map(readableText).join('\n')}\n`)], decode: decodeLog, weight: 10 },
  {
    name: 'vectors',
    seeds: [filled(packedLength(request), 9)],
    decode: (bytes: Uint8Array) => decode(unpackVector(bytes, request), request, 5),
  },
  { name: 'states', seeds: [state, Uint8Array.of(2, 0)], decode: (bytes: Uint8Array) => decodeState(bytes, shape) },
  { name: 'plans', seeds: plans, decode: text((plan) => parsePlanFile(plan, planMenus)), weight: 5, memory: 1 << 20 },
  { name: 'rosters', seeds: [utf8(rosterText)], decode: text(parseRoster), weight: 10 },
  { name: 'invitations', seeds: [utf8(inviteLink(invitation))], decode: text(parseInviteLink), weight: 20 },
  { name: 'model files', seeds: [utf8(JSON.stringify(model))], decode: text(parseModelFile), weight: 10 },
  { name: 'base64', seeds: [utf8(toBase64(signature))], decode: text(fromBase64), weight: 20 },
  { name: 'hexadecimal', seeds: [utf8(toHex(hash))], decode: text(fromHex), weight: 20 },
].map((target): Target => ({ memory: page, weight: 100, ...target }))
