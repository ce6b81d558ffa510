import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import * as z from 'zod'
import { fromHex, toHex } from '../../../protocol/bytes.ts'
import { nodeProvider as provider } from '../../../protocol/crypto/node/provider.ts'
import { bundleHash, pairSeed, pairSign, selfCommit, selfSeed, transcriptOf } from '../../../protocol/secagg/masks.ts'
import { hashRoster, tagged } from '../../../protocol/secagg/session.ts'

const hexes = z.array(z.string())
const rows = z.array(z.array(z.number()))
const vectorSchema = z.object({
  values: z.object({
    idPk: hexes,
    maskSk: hexes,
    maskPk: hexes,
    b: hexes,
    bundleHash: hexes,
    selfSeed: hexes,
    rosterHash: z.string(),
    configHash: z.string(),
    sessionId: z.string(),
    serverNonce: z.string(),
    modelHash: z.string(),
    roundHash: z.string(),
    pairSeed: z.record(z.string(), z.string()),
    round: z.number(),
    x: rows,
    y: rows,
  }),
})
const { values } = vectorSchema.parse(JSON.parse(await readFile('test/vectors/secagg.json', 'utf8')))
const session = fromHex(values.sessionId)
const attempt = values.round

const members = () =>
  Promise.all(
    values.maskPk.map(async (key, index) => ({
      index,
      maskKey: fromHex(key),
      selfCommit: await selfCommit(provider, fromHex(values.b[index])),
    })),
  )

test('roster, session, bundles and transcript hash to the frozen vector', async () => {
  expect(toHex(await hashRoster(provider, values.idPk.map(fromHex)))).toBe(values.rosterHash)
  const id = await tagged(
    provider,
    'session',
    fromHex(values.rosterHash),
    fromHex(values.configHash),
    fromHex(values.serverNonce),
  )
  expect(toHex(id)).toBe(values.sessionId)
  for (const member of await members()) {
    expect(toHex(await bundleHash(provider, session, { ...member, attempt }))).toBe(values.bundleHash[member.index])
  }
})

test('the masked inputs of all five sites equal the frozen vector', async () => {
  const keysHash = await provider.sha256(
    ...(await members()).flatMap((member) => [
      Uint8Array.of(0, 0, 0, member.index),
      member.maskKey,
      fromHex(values.bundleHash[member.index]),
    ]),
  )
  const round = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, attempt)
  const transcript = await tagged(
    provider,
    'round',
    session,
    round,
    fromHex(values.modelHash),
    fromHex(values.configHash),
    keysHash,
  )
  expect(toHex(transcript)).toBe(values.roundHash)
  for (const [self, secret] of values.maskSk.entries()) {
    const vector = Int32Array.from(values.x[self])
    const masks = [
      { seed: await selfSeed(provider, transcript, self, fromHex(values.b[self])), sign: 1 as const },
      ...(await pairs(transcript, self, fromHex(secret))),
    ]
    await provider.addMasks(vector, masks)
    expect([...vector].map((word) => word >>> 0)).toEqual(values.y[self])
  }
})

test('the transcript changes with the state it starts from', async () => {
  const parts = { attempt, members: (await members()).map((member) => ({ ...member, sharesHash: new Uint8Array(32) })) }
  const plan = { id: session, planHash: fromHex(values.configHash) }
  const one = await transcriptOf(provider, plan, { ...parts, stateHash: new Uint8Array(32) })
  const other = await transcriptOf(provider, plan, { ...parts, stateHash: new Uint8Array(32).fill(1) })
  expect(toHex(one)).not.toBe(toHex(other))
})

const pairs = (transcript: Uint8Array, self: number, secret: Uint8Array) =>
  Promise.all(
    values.maskPk.flatMap((key, peer) =>
      peer === self
        ? []
        : [
            pairSeed(provider, transcript, { self, secret, peer, peerKey: fromHex(key) }).then((seed) => ({
              seed,
              sign: pairSign(self, peer),
            })),
          ],
    ),
  )
