import { describe, expect, test } from 'vitest'
import { concat } from '../../../protocol/bytes.ts'
import type { CryptoProvider, RingVector } from '../../../protocol/crypto/provider.ts'
import * as client from '../../../protocol/secagg/client.ts'
import { sealShare } from '../../../protocol/secagg/dealing.ts'
import { bundleHash, shareCommits } from '../../../protocol/secagg/masks.ts'
import { type Unmasked, unmask } from '../../../protocol/secagg/recover.ts'
import * as server from '../../../protocol/secagg/server.ts'
import { bodies, signedBytes } from '../../../protocol/secagg/signing.ts'
import { attacks, outcomeOf } from '../../support/attacks.ts'
import {
  agreeStage,
  attempt,
  cohortOf,
  maskedUpload,
  openStage,
  revealStage,
  type Stage,
  stateHash,
  stateOf,
  uploadStage,
} from '../../support/secure-round.ts'

const five = [0, 1, 2, 3, 4]
const vectors = five.map((i) => Int32Array.of(i, 10 * i))
const zero = (): Int32Array => new Int32Array(2)
const refusal = (code: string) => ({ name: 'ProtocolError', code })

const opened = async (): Promise<Stage> => openStage(await cohortOf(5), five, zero())
const uploaded = async (): Promise<Stage> => uploadStage(await opened(), five, vectors)

for (const [about, list] of Object.entries(attacks)) {
  describe(`a coordinator that ${about}`, () => {
    test.each(list)('$name: $expected', async (attack) => {
      expect(await outcomeOf(attack, client)).toBe(attack.expected)
    })
  })
}

describe('a coordinator that tells two sites different things', () => {
  test('about the members gets no sum: their masks are bound to what each was told', async () => {
    const stage = await opened()
    const start = stage.starts.get(0)
    if (start === undefined) throw new Error('site 0 is not in the round')
    const members = start.members.slice(0, 4)
    const body = bodies.roundStart(stage.cohort.session.id, { ...start, members })
    const signature = await stage.cohort.adder.sign(await signedBytes(stage.cohort.adder.provider, 'roundStart', body))
    const sealed = start.sealed.filter(({ peer }) => peer !== 4)
    const deceived = { ...stage, starts: new Map(stage.starts).set(0, { ...start, members, sealed, signature }) }
    const one = await maskedUpload(deceived, 0, vectors[0])
    const other = await maskedUpload(deceived, 1, vectors[1])
    expect(one.message.transcript).not.toEqual(other.message.transcript)
    const upload = { message: one.message, vector: one.vector }
    await expect(server.takeUpload(stage.cohort.adder, stage.round, 0, upload)).rejects.toMatchObject(
      refusal('ERR_TRANSCRIPT'),
    )
  })

  test('about the plan has two sessions: a key of one is worth nothing in the other', async () => {
    const one = await cohortOf(5)
    const other = await cohortOf(5, { planHash: new Uint8Array(32).fill(8) })
    expect(one.session.id).not.toEqual(other.session.id)
    const { answer: foreign } = await client.join(other.parties[1])
    const { state } = await client.join(one.parties[0])
    const work = client.deposit(one.parties[0], state, { attempt, peers: [foreign] })
    await expect(work).rejects.toMatchObject(refusal('ERR_SIGNATURE'))
  })
})

describe('a site that misbehaves is turned away by name, and the sum stays exact', () => {
  test('with a vector of another length, of another round, signed by another, twice, or too late', async () => {
    const stage = await opened()
    const { adder } = stage.cohort
    const { state, message, vector } = await maskedUpload(stage, 2, vectors[2])
    const take = (from: number, upload: { message: typeof message; vector: RingVector }) =>
      server.takeUpload(adder, stage.round, from, upload)
    await expect(take(2, { message, vector: new Int32Array(3) })).rejects.toMatchObject(refusal('ERR_VECTOR_LENGTH'))
    await expect(take(2, { message: { ...message, transcript: new Uint8Array(32) }, vector })).rejects.toMatchObject(
      refusal('ERR_TRANSCRIPT'),
    )
    await expect(take(3, { message, vector })).rejects.toMatchObject({ ...refusal('ERR_SIGNATURE'), culprit: 'site-3' })
    const others = await uploadStage(stage, [0, 1, 3, 4], vectors)
    const all = await server.takeUpload(adder, others.round, 2, { message, vector })
    await expect(server.takeUpload(adder, all, 2, { message, vector })).rejects.toMatchObject(
      refusal('ERR_UNEXPECTED_MESSAGE'),
    )
    const closed = await server.closeUploads(adder, all)
    await expect(server.takeUpload(adder, closed.round, 2, { message, vector })).rejects.toMatchObject(
      refusal('ERR_LATE_UPLOAD'),
    )
    const states = new Map(others.states).set(2, state)
    expect([...(await revealStage(await agreeStage({ ...others, states, round: all }, five), five))]).toEqual([10, 100])
  })

  test('with a deposit in the name of another, or one it did not sign', async () => {
    const stage = await opened()
    const { adder } = stage.cohort
    const [bundle] = [...stage.round.deposits.values()].map((deposited) => deposited.bundle)
    await expect(server.checkBundle(adder, 1, bundle)).rejects.toMatchObject({
      ...refusal('ERR_IMPERSONATION'),
      culprit: 'site-1',
    })
    const changed = { ...bundle, shares: bundle.shares.slice(1) }
    await expect(server.checkBundle(adder, 0, changed)).rejects.toMatchObject(refusal('ERR_SIGNATURE'))
  })

  test('with a signature over other survivors, an answer it was not asked for, or a complaint about a stranger', async () => {
    const stage = await uploaded()
    const { adder } = stage.cohort
    const { round } = await server.closeUploads(adder, stage.round)
    const consistency = { type: 'consistency', attempt, signature: new Uint8Array(64) } as const
    await expect(server.takeConsistency(adder, round, 1, consistency)).rejects.toMatchObject({
      ...refusal('ERR_SIGNATURE'),
      culprit: 'site-1',
    })
    const fewer = { ...round, survivors: [0, 2, 3, 4] }
    await expect(server.takeConsistency(adder, fewer, 1, consistency)).rejects.toMatchObject(
      refusal('ERR_UNEXPECTED_MESSAGE'),
    )
    const nack = { type: 'nack', attempt, dealer: 9 } as const
    expect(() => server.takeNack(adder, stage.round, 1, nack)).toThrow(
      expect.objectContaining(refusal('ERR_UNEXPECTED_MESSAGE')),
    )
  })

  /** All but `silent` reveal; `liars` sign shares of their own making. */
  async function revealed(sites: number, liars: readonly number[], silent: number): Promise<Unmasked> {
    const all = Array.from({ length: sites }, (_, i) => i)
    const inputs = all.map((i) => Int32Array.of(i, 10 * i))
    const uploads = await uploadStage(await openStage(await cohortOf(sites), all, zero()), all, inputs)
    const stage = await agreeStage(uploads, all)
    const { adder, parties, session } = stage.cohort
    const request = await server.requestReveal(adder, stage.round)
    let { round } = stage
    for (const index of all.slice(0, sites - silent)) {
      const { answer } = await client.reveal(parties[index], stateOf(stage, index), request)
      const shares = answer.shares.map(({ of }) => ({ of, share: new Uint8Array(32).fill(index) }))
      const body = await signedBytes(adder.provider, 'reveal', bodies.reveal(session.id, { attempt, shares }))
      const lie = { ...answer, shares, signature: await parties[index].sign(body) }
      round = await server.takeReveal(adder, round, index, liars.includes(index) ? lie : answer)
    }
    return unmask(adder, round)
  }

  test('with shares of its own making: they are left out, and the revealer is named', async () => {
    const { sum, culprits } = await revealed(9, [1], 0)
    expect([...sum]).toEqual([36, 360])
    expect(culprits).toEqual([{ index: 1, as: 'revealer' }])
  })

  test('with shares of its own making, up to as many as the threshold leaves: each is known by its commitment', async () => {
    const { sum, culprits } = await revealed(9, [1, 4], 0)
    expect([...sum]).toEqual([36, 360])
    expect(culprits.map(({ index }) => index)).toEqual([1, 4])
  })

  test('with shares of its own making where too few others came: the round ends, never a wrong sum, and it is named', async () => {
    await expect(revealed(5, [1], 1)).rejects.toMatchObject({ ...refusal('ERR_BAD_SHARE'), culprit: 'site-1' })
  })

  /** Site 1 deals shares of another secret to `deceived`, commits to what it dealt, and signs. */
  async function crookedDealer(sites: number, deceived: readonly number[]): Promise<Stage> {
    const all = Array.from({ length: sites }, (_, i) => i)
    const cohort = await cohortOf(sites)
    const inputs = all.map((i) => Int32Array.of(i, 10 * i))
    const honest = await openStage(cohort, all, zero())
    const { parties, session, adder } = cohort
    const { provider } = adder
    const deposited = honest.round.deposits.get(1)
    if (deposited === undefined) throw new Error('site 1 has dealt')
    const states = new Map(honest.states)
    const shares = await Promise.all(
      deposited.bundle.shares.map(async (dealt) => {
        if (!deceived.includes(dealt.peer)) return dealt
        const peer = stateOf(honest, 1).peers.get(dealt.peer)
        if (peer === undefined) throw new Error('site 1 knows its peers')
        const end = { ...parties[1], secret: stateOf(honest, 1).secret }
        return sealShare(end, { peer, attempt, share: new Uint8Array(64).fill(5) })
      }),
    )
    const sharesHash = await provider.sha256(bodies.shares(shares))
    const hash = await bundleHash(provider, session.id, { ...deposited.keys, sharesHash, attempt })
    const signature = await parties[1].sign(await signedBytes(provider, 'bundle', hash))
    const crooked = await server.checkBundle(adder, 1, { ...deposited.bundle, shares, signature })
    const deposits = new Map(honest.round.deposits).set(1, crooked)
    const { group } = honest.round
    const opening = { attempt, group, stateHash, previous: [], deposits, keys: honest.keys, zero: zero() }
    const round = await server.openRound(adder, opening)
    const starts = await server.roundStarts(adder, round, { keys: honest.keys, next: [group] })
    return agreeStage(await uploadStage({ cohort, states, keys: honest.keys, round, starts }, all, inputs), all)
  }

  test('as a dealer of two secrets: the few false shares are corrected by decoding, and the dealer is named', async () => {
    const stage = await crookedDealer(9, [0])
    const { adder, parties } = stage.cohort
    const request = await server.requestReveal(adder, stage.round)
    let { round } = stage
    for (const index of parties.keys()) {
      const { answer } = await client.reveal(parties[index], stateOf(stage, index), request)
      round = await server.takeReveal(adder, round, index, answer)
    }
    const { sum, culprits } = await unmask(adder, round)
    expect([...sum]).toEqual([36, 360])
    expect(culprits).toEqual([{ index: 1, as: 'dealer' }])
  })

  test('as a dealer of shares of nothing: the round ends and the dealer, not a revealer, is named', async () => {
    const stage = await crookedDealer(5, [0, 2, 3])
    await expect(revealStage(stage, five)).rejects.toMatchObject({ ...refusal('ERR_BAD_SHARE'), culprit: 'site-1' })
  })

  test('as a dealer of shares that do not open: the others complain, and it is named before anything is revealed', async () => {
    const stage = await opened()
    const { adder } = stage.cohort
    let { round } = await uploadStage(stage, five, vectors)
    for (const from of [0, 2]) round = server.takeNack(adder, round, from, { type: 'nack', attempt, dealer: 1 })
    await expect(server.closeUploads(adder, round)).rejects.toMatchObject({
      ...refusal('ERR_BAD_SHARE'),
      culprit: 'site-1',
    })
  })

  test('as one that complains of a dealer without cause: the sum needs no share of the two', async () => {
    const stage = await opened()
    const round = server.takeNack(stage.cohort.adder, stage.round, 0, { type: 'nack', attempt, dealer: 1 })
    const again = await uploadStage({ ...stage, round }, five, vectors)
    expect([...(await revealStage(await agreeStage(again, five), five))]).toEqual([10, 100])
  })
})

describe('domains are separate', () => {
  test('no signature of one kind serves as another, no seed of one pair, direction or attempt as another', async () => {
    const stage = await opened()
    const { provider } = stage.cohort.adder
    const body = new Uint8Array(32)
    const kinds = [
      'sessionKey',
      'bundle',
      'roundStart',
      'upload',
      'signRequest',
      'consistency',
      'unmask',
      'reveal',
    ] as const
    const texts = await Promise.all(
      kinds.map(async (kind) => Buffer.from(await signedBytes(provider, kind, body)).toString('hex')),
    )
    expect(new Set(texts).size).toBe(kinds.length)
    const seeds: string[] = []
    const recording: CryptoProvider = {
      ...provider,
      hkdf: async (secret, salt, info, length) => {
        const key = await provider.hkdf(secret, salt, info, length)
        seeds.push(Buffer.from(key).toString('hex'))
        return key
      },
    }
    const cohort = await cohortOf(5, { providerOf: () => recording })
    const first = await uploadStage(await openStage(cohort, five, zero()), five, vectors)
    await uploadStage(await openStage(cohort, five, zero(), { attempt: 2 }), five, vectors)
    expect(first.round.uploaded.size).toBe(5)
    // Two sessions of keys: each pair has two directions, known to both ends. Two attempts: a pair has one mask, known to both.
    const expected = 2 * (5 * 4 + (5 * 4) / 2 + 5)
    expect(new Set(seeds).size).toBe(expected)
  })

  test('a share commitment says which half, whose and whose it is', async () => {
    const stage = await opened()
    const { provider } = stage.cohort.adder
    const share = new Uint8Array(64)
    const commits = await shareCommits(provider, stage.cohort.session.id, { attempt, from: 0, to: 1, share })
    expect(commits.subarray(0, 32)).not.toEqual(commits.subarray(32))
    expect(await shareCommits(provider, stage.cohort.session.id, { attempt, from: 1, to: 0, share })).not.toEqual(
      commits,
    )
  })
})

describe('a coordinator that only looks', () => {
  test('finds no key, share or seed of a site in anything it is sent before the survivors are signed', async () => {
    const stage = await opened()
    const secrets = [...stage.states.values()].flatMap(({ secret, deposit }) =>
      deposit === undefined ? [secret] : [secret, deposit.maskSecret, deposit.selfSecret, deposit.ownShare],
    )
    const seen = Buffer.from(
      concat(
        ...[...stage.round.deposits.values()].flatMap(({ bundle, keys }) => [
          ...bundle.shares.flatMap(({ sealed, commits }) => [sealed, commits]),
          keys.maskKey,
          keys.selfCommit,
        ]),
      ),
    )
    expect(secrets.length).toBe(20)
    expect(secrets.filter((secret) => seen.includes(Buffer.from(secret)))).toEqual([])
  })
})
