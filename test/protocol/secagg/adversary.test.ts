import { describe, expect, test } from 'vitest'
import { concat } from '../../../protocol/bytes.ts'
import * as client from '../../../protocol/secagg/client.ts'
import {
  bodies,
  type MemberKeys,
  type RoundStart,
  type SignatureKind,
  type SignRequest,
  signedBytes,
  type Unmask,
} from '../../../protocol/secagg/messages.ts'
import * as server from '../../../protocol/secagg/server.ts'
import {
  agreeStage,
  attempt,
  type Cohort,
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
const uploaded = async (who = five): Promise<Stage> => uploadStage(await opened(), who, vectors)

/** The coordinator signs whatever it likes: the key is its own. */
const signedAs = async ({ adder }: Cohort, kind: SignatureKind, body: Uint8Array): Promise<Uint8Array> =>
  adder.sign(await signedBytes(adder.provider, kind, body))

/** The start that site 0 is due, with a lie in it, signed. */
async function liedStart(stage: Stage, lie: (start: RoundStart) => RoundStart): Promise<RoundStart> {
  const start = stage.starts.get(0)
  if (start === undefined) throw new Error('site 0 is not in the round')
  const message = lie(start)
  const body = bodies.roundStart(stage.cohort.session.id, message)
  return { ...message, signature: await signedAs(stage.cohort, 'roundStart', body) }
}

const starts = (stage: Stage, message: RoundStart): Promise<client.ClientState> =>
  client.start(stage.cohort.parties[0], stateOf(stage, 0), message, stateHash)

async function signRequest(stage: Stage, survivors: readonly number[]): Promise<SignRequest> {
  const body = bodies.survivors(stage.cohort.session.id, attempt, survivors)
  return {
    type: 'sign-request',
    attempt,
    survivors,
    signature: await signedAs(stage.cohort, 'signRequest', body),
  }
}

const agrees = async (stage: Stage, survivors: readonly number[]): Promise<unknown> =>
  client.agree(stage.cohort.parties[0], stateOf(stage, 0), await signRequest(stage, survivors))

describe('a coordinator that lies about the start of a round', () => {
  test('with a state the site did not compute is refused', async () => {
    const stage = await opened()
    const lied = await liedStart(stage, (start) => ({ ...start, stateHash: new Uint8Array(32).fill(8) }))
    await expect(starts(stage, lied)).rejects.toMatchObject(refusal('ERR_STATE_MISMATCH'))
  })

  test('with too few members is refused, whatever it says the threshold is', async () => {
    const stage = await opened()
    const lied = await liedStart(stage, (start) => ({ ...start, members: start.members.slice(0, 3) }))
    await expect(starts(stage, lied)).rejects.toMatchObject(refusal('ERR_COHORT_TOO_SMALL'))
  })

  test("with a peer's mask key swapped for its own is refused: the peer signed another", async () => {
    const stage = await opened()
    const swapped = new Uint8Array(32).fill(9)
    const lied = await liedStart(stage, (start) => ({
      ...start,
      members: start.members.map((member) => (member.index === 1 ? { ...member, maskKey: swapped } : member)),
    }))
    await expect(starts(stage, lied)).rejects.toMatchObject(refusal('ERR_SIGNATURE'))
  })

  test('with a member that is in no roster, or one member twice, is refused', async () => {
    const stage = await opened()
    const sybil = (members: readonly MemberKeys[]): MemberKeys[] => [...members, { ...members[4], index: 5 }]
    const twice = (members: readonly MemberKeys[]): MemberKeys[] => [...members.slice(0, 4), members[3], members[4]]
    for (const change of [sybil, twice]) {
      const lied = await liedStart(stage, (start) => ({ ...start, members: change(start.members) }))
      await expect(starts(stage, lied)).rejects.toMatchObject(refusal('ERR_MEMBER_LIST'))
    }
  })

  test("without the site's own deposit, or with another's in its place, is refused", async () => {
    const stage = await opened()
    const lied = await liedStart(stage, (start) => ({
      ...start,
      members: start.members.filter(({ index }) => index !== 0),
    }))
    await expect(starts(stage, lied)).rejects.toMatchObject(refusal('ERR_NOT_A_MEMBER'))
  })

  test('without its own signature over every word is refused', async () => {
    const stage = await opened()
    const start = stage.starts.get(0)
    if (start === undefined) throw new Error('site 0 is not in the round')
    const changed = { ...start, members: start.members.slice(0, 4) }
    await expect(starts(stage, changed)).rejects.toMatchObject(refusal('ERR_SIGNATURE'))
  })

  test('with shares of another dealer, or changed on the way, is found out before anything is masked', async () => {
    const stage = await opened()
    const lied = await liedStart(stage, (start) => ({
      ...start,
      sealed: start.sealed.map((share, i) => (i === 0 ? { ...share, sealed: start.sealed[1].sealed } : share)),
    }))
    await expect(starts(stage, lied)).rejects.toMatchObject(refusal('ERR_BAD_SHARE'))
  })

  test('shown to two halves differently gets no certificate: their signatures are over different transcripts', async () => {
    const stage = await opened()
    const few = await liedStart(stage, (start) => ({
      ...start,
      members: start.members.slice(0, 4),
      sealed: start.sealed.filter(({ peer }) => peer < 4),
    }))
    const deceived = { ...stage, starts: new Map(stage.starts).set(0, few) }
    const one = await maskedUpload(deceived, 0, vectors[0])
    const other = await maskedUpload(deceived, 1, vectors[1])
    expect(one.message.transcript).not.toEqual(other.message.transcript)
    const upload = { message: one.message, vector: one.vector }
    await expect(server.takeUpload(stage.cohort.adder, stage.round, 0, upload)).rejects.toMatchObject(
      refusal('ERR_TRANSCRIPT'),
    )
  })
})

describe('a coordinator that lies about who is left', () => {
  test('cannot lower the threshold: the site counts itself', async () => {
    await expect(agrees(await uploaded(), [0, 1, 2])).rejects.toMatchObject(refusal('ERR_TOO_FEW_SURVIVORS'))
  })

  test('cannot leave out a site that has uploaded, name one twice, or invent one', async () => {
    const stage = await uploaded()
    await expect(agrees(stage, [1, 2, 3, 4])).rejects.toMatchObject(refusal('ERR_SURVIVORS_WITHOUT_ME'))
    await expect(agrees(stage, [0, 1, 2, 2, 3])).rejects.toMatchObject(refusal('ERR_MEMBER_LIST'))
    await expect(agrees(stage, [0, 1, 2, 3, 9])).rejects.toMatchObject(refusal('ERR_MEMBER_LIST'))
  })

  test('cannot have a second list signed', async () => {
    const stage = await agreeStage(await uploaded(), five)
    await expect(agrees(stage, [0, 1, 2, 3])).rejects.toMatchObject(refusal('ERR_UNEXPECTED_MESSAGE'))
  })

  async function reveals(stage: Stage, unmask: Omit<Unmask, 'type' | 'attempt' | 'signature'>): Promise<unknown> {
    const body = bodies.survivors(stage.cohort.session.id, attempt, unmask.survivors)
    const signature = await signedAs(stage.cohort, 'unmask', body)
    const message: Unmask = { type: 'unmask', attempt, ...unmask, signature }
    return client.reveal(stage.cohort.parties[0], stateOf(stage, 0), message)
  }

  test('cannot have shares revealed for another list than the one that was signed', async () => {
    const stage = await agreeStage(await uploaded(), five)
    const { certificate } = await server.requestReveal(stage.cohort.adder, stage.round)
    await expect(reveals(stage, { survivors: [0, 1, 2, 3], certificate })).rejects.toMatchObject(
      refusal('ERR_SURVIVORS_CHANGED'),
    )
  })

  test('cannot do without the signatures, count one twice, or forge one', async () => {
    const stage = await agreeStage(await uploaded(), five)
    const { survivors, certificate } = await server.requestReveal(stage.cohort.adder, stage.round)
    const [first] = certificate
    await expect(reveals(stage, { survivors, certificate: [] })).rejects.toMatchObject(refusal('ERR_CERTIFICATE'))
    await expect(reveals(stage, { survivors, certificate: five.map(() => first) })).rejects.toMatchObject(
      refusal('ERR_CERTIFICATE'),
    )
    const forged = certificate.map((entry, i) => (i === 1 ? { ...entry, signature: first.signature } : entry))
    await expect(reveals(stage, { survivors, certificate: forged })).rejects.toMatchObject(refusal('ERR_SIGNATURE'))
  })

  test('gets one answer: the second time the secrets are gone', async () => {
    const stage = await agreeStage(await uploaded(), five)
    const party = stage.cohort.parties[0]
    const unmask = await server.requestReveal(stage.cohort.adder, stage.round)
    const { state } = await client.reveal(party, stateOf(stage, 0), unmask)
    await expect(client.reveal(party, state, unmask)).rejects.toMatchObject(refusal('ERR_UNEXPECTED_MESSAGE'))
    expect(state.deposits.has(attempt)).toBe(false)
  })

  test('never sees both secrets of one site: one share a member, of the kind its place in the list says', async () => {
    const stage = await agreeStage(await uploaded([0, 1, 2, 3]), [0, 1, 2, 3])
    const unmask = await server.requestReveal(stage.cohort.adder, stage.round)
    const { answer } = await client.reveal(stage.cohort.parties[0], stateOf(stage, 0), unmask)
    expect(answer.shares.map(({ of }) => of)).toEqual(five)
    expect(answer.shares.every(({ share }) => share.length === 32)).toBe(true)
  })
})

describe('a coordinator that asks again', () => {
  test('after the agent restarted between upload and reveal gets nothing for that attempt', async () => {
    const stage = await uploaded()
    const party = stage.cohort.parties[0]
    const { state } = await client.join(party)
    await expect(client.deposit(party, state, { attempt, peers: [...stage.keys.values()] })).rejects.toMatchObject(
      refusal('ERR_REPLAY'),
    )
    const replayed = stage.starts.get(0)
    if (replayed === undefined) throw new Error('site 0 is not in the round')
    await expect(client.start(party, state, replayed, stateHash)).rejects.toMatchObject(refusal('ERR_REPLAY'))
  })

  test('for another sum over the same state, with one site fewer, is refused: the difference would be that site', async () => {
    const first = await agreeStage(await uploaded(), five)
    await revealStage(first, five)
    const { cohort } = first
    const party = cohort.parties[0]
    // The agent restarts; the coordinator opens a later attempt over the same state without site 4.
    const again = { ...(await rejoin(cohort)), cohort }
    const four = await uploadStage(again, [0, 1, 2, 3], vectors)
    const request = { ...(await signRequest(four, [0, 1, 2, 3])), attempt: 2 }
    const body = bodies.survivors(cohort.session.id, 2, [0, 1, 2, 3])
    const signature = await signedAs(cohort, 'signRequest', body)
    await expect(client.agree(party, stateOf(four, 0), { ...request, signature })).rejects.toMatchObject(
      refusal('ERR_DIFFERENCING'),
    )
  })

  /** A second attempt at the same round, with fresh keys of all. */
  async function rejoin(cohort: Cohort): Promise<Omit<Stage, 'cohort'>> {
    const states = new Map<number, client.ClientState>()
    const keys = new Map()
    for (const party of cohort.parties) {
      const { state, answer } = await client.join(party)
      states.set(party.index, state)
      keys.set(party.index, answer)
    }
    const deposits = new Map<number, server.Deposited>()
    for (const party of cohort.parties) {
      const dealt = await client.deposit(party, stateOf({ states }, party.index), {
        attempt: 2,
        peers: [...keys.values()],
      })
      states.set(party.index, dealt.state)
      deposits.set(party.index, await server.checkBundle(cohort.adder, party.index, dealt.answer))
    }
    const round = await server.openRound(cohort.adder, { attempt: 2, stateHash, deposits, zero: zero() })
    return { states, keys, round, starts: await server.roundStarts(cohort.adder, round, keys) }
  }
})

describe('a site that misbehaves is turned away by name, and the sum stays exact', () => {
  test('with a vector of another length, of another round, signed by another, twice, or too late', async () => {
    const stage = await opened()
    const { adder } = stage.cohort
    const { state, message, vector } = await maskedUpload(stage, 2, vectors[2])
    const take = (from: number, upload: { message: typeof message; vector: Int32Array | BigInt64Array }) =>
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

  /** All but `silent` reveal; `liars` sign shares of their own making. */
  async function revealed(sites: number, liars: readonly number[], silent: number): Promise<server.Unmasked> {
    const all = Array.from({ length: sites }, (_, i) => i)
    const inputs = all.map((i) => Int32Array.of(i, 10 * i))
    const uploads = await uploadStage(await openStage(await cohortOf(sites), all, zero()), all, inputs)
    const stage = await agreeStage(uploads, all)
    const { adder, parties, session } = stage.cohort
    const unmask = await server.requestReveal(adder, stage.round)
    let { round } = stage
    for (const index of all.slice(0, sites - silent)) {
      const { answer } = await client.reveal(parties[index], stateOf(stage, index), unmask)
      const shares = answer.shares.map(({ of }) => ({ of, share: new Uint8Array(32).fill(index) }))
      const body = await signedBytes(adder.provider, 'reveal', bodies.reveal(session.id, { attempt, shares }))
      const lie = { ...answer, shares, signature: await parties[index].sign(body) }
      round = await server.takeReveal(adder, round, index, liars.includes(index) ? lie : answer)
    }
    return server.unmask(adder, round)
  }

  test('with shares of its own making: they are corrected, and the liar is named', async () => {
    const { sum, liars } = await revealed(9, [1], 0)
    expect([...sum]).toEqual([36, 360])
    expect(liars).toEqual([1])
  })

  test('with shares of its own making where too few came to correct them: the round ends, never a wrong sum', async () => {
    await expect(revealed(5, [1], 1)).rejects.toMatchObject(refusal('ERR_BAD_SHARE'))
  })
})

describe('a coordinator that only looks', () => {
  /** Pearson's chi-square of the bytes of a masked vector against uniform; 255 degrees of freedom. */
  async function chiSquare(value: number): Promise<number> {
    const length = 4096
    const stage = await openStage(await cohortOf(5), five, new Int32Array(length))
    const { vector } = await maskedUpload(stage, 0, new Int32Array(length).fill(value))
    const bytes = new Uint8Array(vector.buffer)
    const counts = new Array<number>(256).fill(0)
    for (const byte of bytes) counts[byte]++
    const expected = bytes.length / 256
    return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
  }

  test('sees the same uniform bytes whether a site sends nothing or the largest number there is', async () => {
    // 350 is passed by a uniform vector in all but 1 of 10 000 draws; the draws here are fixed.
    for (const value of [0, 1, 2 ** 31 - 1]) expect(await chiSquare(value)).toBeLessThan(350)
  })

  test('with all sites but two on its side still misses a mask: the two masked vectors show only their sum', async () => {
    // Sites 2, 3 and 4 collude: their secrets, and with them every pair mask but that of 0 and 1, are known.
    const masked = async (a: number, b: number): Promise<{ first: number; second: number }> => {
      const stage = await openStage(await cohortOf(5), five, new Int32Array(1))
      const first = await maskedUpload(stage, 0, Int32Array.of(a))
      const second = await maskedUpload(stage, 1, Int32Array.of(b))
      return { first: Number(first.vector[0]), second: Number(second.vector[0]) }
    }
    const [one, other] = [await masked(5, 7), await masked(7, 5)]
    // With the same draws only the inputs differ: each vector moves by its own input, and their sum does not move.
    expect((one.first + one.second) | 0).toBe((other.first + other.second) | 0)
    expect((other.first - one.first) | 0).toBe(2)
  })

  test('finds no key, share or seed of a site in anything it is sent before the survivors are signed', async () => {
    const stage = await uploaded()
    const secrets = [...stage.states.values()].flatMap(({ secret, deposits }) => [
      secret,
      ...[...deposits.values()].flatMap(({ maskSecret, selfSecret, ownShare }) => [maskSecret, selfSecret, ownShare]),
    ])
    const seen = Buffer.from(
      concat(
        ...[...stage.round.deposits.values()].flatMap(({ bundle, keys }) => [
          ...bundle.shares.map(({ sealed }) => sealed),
          keys.maskKey,
          keys.selfCommit,
        ]),
      ),
    )
    expect(secrets.length).toBeGreaterThan(20)
    expect(secrets.filter((secret) => seen.includes(Buffer.from(secret)))).toEqual([])
  })
})
