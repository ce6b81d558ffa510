/**
 * Attacks of a coordinator (and of sites it colludes with) on one site, each with what has to come of it. They are run on
 * the site's side as deployed, and on copies of it from which one wall was taken: there some attack must come out otherwise.
 */

import { nodeProvider as provider } from '../../protocol/crypto/node/provider.ts'

import type { ClientState } from '../../protocol/secagg/client.ts'
import { bundleHash } from '../../protocol/secagg/masks.ts'
import type { MemberKeys, RoundStart, SessionKey, SignRequest, Unmask } from '../../protocol/secagg/messages.ts'
import * as server from '../../protocol/secagg/server.ts'
import { bodies, type SignatureKind, signedBytes } from '../../protocol/secagg/signing.ts'
import { attemptOf } from '../../protocol/wire/attempts.ts'
import {
  agreeStage,
  attempt,
  type Client,
  type Cohort,
  cohortOf,
  depositStage,
  maskedUpload,
  openStage,
  revealStage,
  type Stage,
  stateHash,
  stateOf,
  uploadStage,
} from './secure-round.ts'

export interface Attack {
  readonly name: string
  /** What must come of it: the code of the refusal, or what is seen. */
  readonly expected: string
  readonly run: (client: Client) => Promise<string>
}

const five = [0, 1, 2, 3, 4]
const vectors = five.map((i) => Int32Array.of(i, 10 * i))
const zero = (): Int32Array => new Int32Array(2)
const otherState = new Uint8Array(32).fill(8)

const opened = async (client: Client, who = five): Promise<Stage> =>
  openStage(await cohortOf(5, { client }), who, zero())
const uploaded = async (client: Client, who = five): Promise<Stage> => uploadStage(await opened(client), who, vectors)
const agreed = async (client: Client): Promise<Stage> => agreeStage(await uploaded(client), five)

/** The coordinator signs whatever it likes: the key is its own. */
const signedAs = async ({ adder }: Cohort, kind: SignatureKind, body: Uint8Array): Promise<Uint8Array> =>
  adder.sign(await signedBytes(adder.provider, kind, body))

/** The start that site 0 is due, with a lie in it, signed. */
async function liedStart(stage: Stage, lie: (start: RoundStart) => RoundStart): Promise<RoundStart> {
  const message = lie(startOf(stage))
  const body = bodies.roundStart(stage.cohort.session.id, message)
  return { ...message, signature: await signedAs(stage.cohort, 'roundStart', body) }
}

function startOf({ starts }: Stage): RoundStart {
  const start = starts.get(0)
  if (start === undefined) throw new Error('site 0 is not in the round')
  return start
}

/** What site 0 makes of a start: complaints, or it goes on. */
async function starts(stage: Stage, message: RoundStart): Promise<string> {
  const { client, parties } = stage.cohort
  const { answer } = await client.start(parties[0], stateOf(stage, 0), message, stage.round.stateHash)
  return answer.length === 0 ? 'started' : `complains of ${answer.map(({ dealer }) => dealer).join()}`
}

const startsLied = async (stage: Stage, lie: (start: RoundStart) => RoundStart): Promise<string> =>
  starts(stage, await liedStart(stage, lie))

const withMember =
  (index: number, change: Partial<MemberKeys>) =>
  (start: RoundStart): RoundStart => ({
    ...start,
    members: start.members.map((member) => (member.index === index ? { ...member, ...change } : member)),
  })

/** A member that colludes signs other keys for itself. */
async function resigned(stage: Stage, index: number, maskKey: Uint8Array): Promise<(start: RoundStart) => RoundStart> {
  const { parties, session } = stage.cohort
  const member = startOf(stage).members.find((each) => each.index === index)
  if (member === undefined) throw new Error(`member ${index} is not in the round`)
  const hash = await bundleHash(provider, session.id, { ...member, maskKey, attempt })
  return withMember(index, {
    maskKey,
    signature: await parties[index].sign(await signedBytes(provider, 'bundle', hash)),
  })
}

async function signRequest(stage: Stage, survivors: readonly number[]): Promise<SignRequest> {
  const body = bodies.survivors(stage.cohort.session.id, stage.round.attempt, survivors)
  const signature = await signedAs(stage.cohort, 'signRequest', body)
  return { type: 'sign-request', attempt: stage.round.attempt, survivors, signature }
}

async function agrees(stage: Stage, survivors: readonly number[], change: Partial<SignRequest> = {}): Promise<string> {
  const { client, parties } = stage.cohort
  await client.agree(parties[0], stateOf(stage, 0), { ...(await signRequest(stage, survivors)), ...change })
  return 'signed'
}

interface Asked {
  readonly survivors?: readonly number[]
  readonly certificate?: Unmask['certificate']
  readonly change?: Partial<Unmask>
}

/** What site 0 reveals when it is asked, by default for what was agreed on. */
async function reveals(stage: Stage, { survivors, certificate, change }: Asked): Promise<string> {
  const { client, parties, session, adder } = stage.cohort
  const honest = await server.requestReveal(adder, stage.round)
  const list = survivors ?? honest.survivors
  const signature = await signedAs(stage.cohort, 'unmask', bodies.survivors(session.id, stage.round.attempt, list))
  const message: Unmask = { ...honest, survivors: list, certificate: certificate ?? honest.certificate, signature }
  await client.reveal(parties[0], stateOf(stage, 0), { ...message, ...change })
  return 'revealed'
}

/** Every site's process ends and begins anew: what is on its disk is all it knows. */
const restarted = async ({ cohort }: Stage, who: readonly number[], opening: Parameters<typeof openStage>[3]) =>
  openStage(cohort, who, zero(), opening)

const wholeRound = async (client: Client): Promise<Stage> => {
  const stage = await agreed(client)
  await revealStage(stage, five)
  return stage
}

const start: readonly Attack[] = [
  {
    name: 'starts the round from a state the site did not compute',
    expected: 'ERR_STATE_MISMATCH',
    run: async (client) => startsLied(await opened(client), (message) => ({ ...message, stateHash: otherState })),
  },
  {
    name: 'starts it with fewer members than the site demands, whatever it says the threshold is',
    expected: 'ERR_COHORT_TOO_SMALL',
    run: async (client) =>
      startsLied(await opened(client), (message) => ({ ...message, members: message.members.slice(0, 3) })),
  },
  {
    name: "swaps a peer's mask key for one of its own: the peer has signed another",
    expected: 'ERR_SIGNATURE',
    run: async (client) => startsLied(await opened(client), withMember(1, { maskKey: new Uint8Array(32).fill(9) })),
  },
  {
    name: "swaps a peer's commitment",
    expected: 'ERR_SIGNATURE',
    run: async (client) => startsLied(await opened(client), withMember(1, { selfCommit: new Uint8Array(32).fill(9) })),
  },
  {
    name: 'adds a member that is in no roster',
    expected: 'ERR_MEMBER_LIST',
    run: async (client) =>
      startsLied(await opened(client), (message) => ({
        ...message,
        members: [...message.members, { ...message.members[4], index: 5 }],
      })),
  },
  {
    name: 'names one member twice',
    expected: 'ERR_MEMBER_LIST',
    run: async (client) =>
      startsLied(await opened(client), (message) => ({
        ...message,
        members: [...message.members.slice(0, 4), message.members[3], message.members[4]],
      })),
  },
  {
    name: "leaves the site's own deposit out",
    expected: 'ERR_NOT_A_MEMBER',
    run: async (client) =>
      startsLied(await opened(client), (message) => ({
        ...message,
        members: message.members.filter(({ index }) => index !== 0),
      })),
  },
  {
    name: "puts another key in the site's place",
    expected: 'ERR_NOT_A_MEMBER',
    run: async (client) => startsLied(await opened(client), withMember(0, { maskKey: new Uint8Array(32).fill(9) })),
  },
  {
    name: 'has two members that it colludes with sign one mask key',
    expected: 'ERR_KEY_REUSED',
    run: async (client) => {
      const stage = await opened(client)
      return startsLied(stage, await resigned(stage, 4, startOf(stage).members[3].maskKey))
    },
  },
  {
    name: 'has a member sign a mask key of low order: everybody would know the mask',
    expected: 'ERR_LOW_ORDER_POINT',
    run: async (client) => {
      const stage = await opened(client)
      const lied = await liedStart(stage, await resigned(stage, 4, new Uint8Array(32)))
      const party = stage.cohort.parties[0]
      const { state } = await client.start(party, stateOf(stage, 0), lied, stateHash)
      await client.mask(party, state, Int32Array.of(1, 2))
      return 'masked'
    },
  },
  {
    name: 'changes a word of a start that it had signed',
    expected: 'ERR_SIGNATURE',
    run: async (client) => {
      const stage = await opened(client)
      return starts(stage, { ...startOf(stage), members: startOf(stage).members.slice(0, 4) })
    },
  },
  {
    name: 'passes on a share that was changed on the way: the site says whose, and holds nothing of it',
    expected: 'complains of 1',
    run: async (client) =>
      startsLied(await opened(client), (message) => ({
        ...message,
        sealed: message.sealed.map((share, i) => (i === 0 ? { ...share, sealed: message.sealed[1].sealed } : share)),
      })),
  },
  {
    name: 'passes on a share with another commitment than the dealer made',
    expected: 'complains of 1',
    run: async (client) =>
      startsLied(await opened(client), (message) => ({
        ...message,
        sealed: message.sealed.map((share, i) => (i === 0 ? { ...share, commits: new Uint8Array(64) } : share)),
      })),
  },
  {
    name: 'passes on a share that was dealt for an earlier attempt',
    expected: 'complains of 1',
    run: async (client) => {
      const stage = await opened(client)
      const earlier = startOf(stage).sealed[0]
      const later = await depositStage(stage, five, zero(), { attempt: 2 })
      return startsLied(later, (message) => ({
        ...message,
        sealed: message.sealed.map((share, i) => (i === 0 ? earlier : share)),
      }))
    },
  },
  {
    name: "gives the site a session key of its own in a peer's name",
    expected: 'ERR_SIGNATURE',
    run: async (client) => {
      const stage = await opened(client)
      const forged = (key: SessionKey): SessionKey =>
        key.index === 1 ? { ...key, key: new Uint8Array(32).fill(9) } : key
      const peers = [...stage.keys.values()].map(forged)
      await client.deposit(stage.cohort.parties[0], stateOf(stage, 0), { attempt: 2, peers })
      return 'dealt'
    },
  },
]

const survivors: readonly Attack[] = [
  {
    name: 'asks for fewer survivors than the site demands',
    expected: 'ERR_TOO_FEW_SURVIVORS',
    run: async (client) => agrees(await uploaded(client), [0, 1, 2]),
  },
  {
    name: 'calls a site that has uploaded a drop-out',
    expected: 'ERR_SURVIVORS_WITHOUT_ME',
    run: async (client) => agrees(await uploaded(client), [1, 2, 3, 4]),
  },
  {
    name: 'names a survivor twice',
    expected: 'ERR_MEMBER_LIST',
    run: async (client) => agrees(await uploaded(client), [0, 1, 2, 2, 3]),
  },
  {
    name: 'invents a survivor',
    expected: 'ERR_MEMBER_LIST',
    run: async (client) => agrees(await uploaded(client), [0, 1, 2, 3, 9]),
  },
  {
    name: 'names a site of the roster that is not in the round a survivor',
    expected: 'ERR_SURVIVORS_UNKNOWN',
    run: async (client) =>
      agrees(await uploadStage(await opened(client, [0, 1, 2, 3]), [0, 1, 2, 3], vectors), [0, 1, 2, 3, 4]),
  },
  {
    name: 'has a second list signed',
    expected: 'ERR_UNEXPECTED_MESSAGE',
    run: async (client) => agrees(await agreed(client), [0, 1, 2, 3]),
  },
  {
    name: 'asks for a signature without its own',
    expected: 'ERR_SIGNATURE',
    run: async (client) => agrees(await uploaded(client), five, { signature: new Uint8Array(64) }),
  },
  {
    name: 'asks about another attempt than the one that runs',
    expected: 'ERR_UNEXPECTED_MESSAGE',
    run: async (client) => agrees(await uploaded(client), five, { attempt: 2 }),
  },
]

const shares: readonly Attack[] = [
  {
    name: 'asks for shares before anything was signed',
    expected: 'ERR_UNEXPECTED_MESSAGE',
    run: async (client) => {
      const stage = await uploaded(client)
      const { certificate } = await server.requestReveal(stage.cohort.adder, (await agreed(client)).round)
      const { round } = await server.closeUploads(stage.cohort.adder, stage.round)
      const signers = new Map(certificate.map(({ index, signature }) => [index, signature]))
      return reveals({ ...stage, round: { ...round, consistent: signers } }, { survivors: five })
    },
  },
  {
    name: 'asks for shares for another list than the one that was signed',
    expected: 'ERR_SURVIVORS_CHANGED',
    run: async (client) => reveals(await agreed(client), { survivors: [0, 1, 2, 3] }),
  },
  {
    name: 'asks for shares without the signatures of the others',
    expected: 'ERR_CERTIFICATE',
    run: async (client) => reveals(await agreed(client), { certificate: [] }),
  },
  {
    name: "counts one site's signature five times",
    expected: 'ERR_CERTIFICATE',
    run: async (client) => {
      const stage = await agreed(client)
      const { certificate } = await server.requestReveal(stage.cohort.adder, stage.round)
      return reveals(stage, { certificate: five.map(() => certificate[0]) })
    },
  },
  {
    name: 'forges a signature',
    expected: 'ERR_SIGNATURE',
    run: async (client) => {
      const stage = await agreed(client)
      const { certificate } = await server.requestReveal(stage.cohort.adder, stage.round)
      const forged = certificate.map((entry, i) =>
        i === 1 ? { ...entry, signature: certificate[0].signature } : entry,
      )
      return reveals(stage, { certificate: forged })
    },
  },
  {
    name: 'asks for shares without its own signature',
    expected: 'ERR_SIGNATURE',
    run: async (client) => reveals(await agreed(client), { change: { signature: new Uint8Array(64) } }),
  },
  {
    name: 'asks for shares twice',
    expected: 'ERR_UNEXPECTED_MESSAGE',
    run: async (client) => {
      const stage = await agreed(client)
      const { client: site, parties, adder } = stage.cohort
      const message = await server.requestReveal(adder, stage.round)
      const { state } = await site.reveal(parties[0], stateOf(stage, 0), message)
      await site.reveal(parties[0], state, message)
      return 'revealed'
    },
  },
  {
    name: 'looks for both secrets of one site in an answer',
    expected: 'one share of 32 bytes each: of survivors the second half, of drop-outs the first',
    run: async (client) => {
      const stage = await agreeStage(await uploaded(client, [0, 1, 2, 3]), [0, 1, 2, 3])
      const state = stateOf(stage, 0)
      const held = new Map([...(state.round?.held ?? [])].map(([of, both]) => [of, both.slice()]))
      const message = await server.requestReveal(stage.cohort.adder, stage.round)
      const { answer } = await client.reveal(stage.cohort.parties[0], state, message)
      const wanted = five.map((of) => {
        const both = held.get(of) ?? new Uint8Array(64)
        return of === 4 ? both.slice(0, 32) : both.slice(32)
      })
      const found = answer.shares.map(({ share }) => share)
      const right = found.length === 5 && found.every((share, i) => Buffer.from(share).equals(wanted[i]))
      return right
        ? 'one share of 32 bytes each: of survivors the second half, of drop-outs the first'
        : 'something else'
    },
  },
]

const again: readonly Attack[] = [
  {
    name: 'asks a restarted site to deal for an attempt it had answered',
    expected: 'ERR_REPLAY',
    run: async (client) => {
      const stage = await uploaded(client)
      const party = stage.cohort.parties[0]
      const { state } = await client.join(party)
      await client.deposit(party, state, { attempt, peers: [...stage.keys.values()] })
      return 'dealt'
    },
  },
  {
    name: 'starts an attempt a second time',
    expected: 'ERR_REPLAY',
    run: async (client) => {
      const stage = await uploaded(client)
      return starts(stage, startOf(stage))
    },
  },
  {
    name: 'starts an attempt for which nothing was deposited',
    expected: 'ERR_NO_DEPOSIT',
    run: async (client) => startsLied(await opened(client), (message) => ({ ...message, attempt: 2 })),
  },
  {
    name: 'sums one state again without one of the sites, after all were restarted: the difference would be that site',
    expected: 'ERR_DIFFERENCING',
    run: async (client) => {
      const later = await restarted(await wholeRound(client), five, { attempt: 2 })
      return agrees(await uploadStage(later, [0, 1, 2, 3], vectors), [0, 1, 2, 3])
    },
  },
  {
    name: 'sums one state again over other contributions of the same sites',
    expected: 'ERR_DIFFERENCING',
    run: async (client) => {
      const later = await restarted(await wholeRound(client), five, { attempt: 2 })
      await maskedUpload(later, 0, Int32Array.of(7, 7))
      return 'masked'
    },
  },
  {
    name: 'goes back to the state of an earlier round',
    expected: 'ERR_DIFFERENCING',
    run: async (client) => {
      const first = await wholeRound(client)
      const second = await restarted(first, five, { attempt: attemptOf(1, 0), stateHash: otherState })
      await revealStage(await agreeStage(await uploadStage(second, five, vectors), five), five)
      const third = await restarted(second, five, { attempt: attemptOf(2, 0), stateHash })
      return starts(third, startOf(third))
    },
  },
  {
    name: 'goes on from a round that was not the last one the site took part in',
    expected: 'ERR_CHAIN',
    run: async (client) => {
      const first = await agreed(client)
      const { parties, adder } = first.cohort
      const message = await server.requestReveal(adder, first.round)
      const { state } = await client.reveal(parties[0], stateOf(first, 0), message)
      const states = new Map(first.states).set(0, client.commit(state, attempt))
      const opening = { attempt: attemptOf(1, 0), stateHash: otherState, previous: [new Uint8Array(32).fill(1)] }
      const second = await depositStage({ ...first, states }, five, zero(), opening)
      return starts(second, startOf(second))
    },
  },
]

const memory: readonly Attack[] = [
  {
    name: 'takes a copy of the memory of a site that has masked its vector',
    expected: 'erased',
    run: async (client) => {
      const stage = await opened(client)
      const { deposit } = stateOf(stage, 0)
      await maskedUpload(stage, 0, vectors[0])
      return erased([deposit?.maskSecret, deposit?.selfSecret])
    },
  },
  {
    name: 'takes a copy of the memory of a site that has revealed its shares',
    expected: 'erased',
    run: async (client) => {
      const stage = await agreed(client)
      const held = [...(stateOf(stage, 0).round?.held.values() ?? [])]
      await reveals(stage, {})
      return held.length === 5 ? erased(held) : 'nothing was held'
    },
  },
  {
    name: 'takes a copy of the memory of a site that went on to another attempt',
    expected: 'erased',
    run: async (client) => {
      const stage = await uploaded(client)
      const held = [...(stateOf(stage, 0).round?.held.values() ?? [])]
      const later = await depositStage(stage, five, zero(), { attempt: 2 })
      await starts(later, startOf(later))
      return erased(held)
    },
  },
  {
    name: 'takes a copy of the memory of a site that dealt anew',
    expected: 'erased',
    run: async (client) => {
      const stage = await opened(client)
      const { deposit } = stateOf(stage, 0)
      await depositStage(stage, five, zero(), { attempt: 2 })
      return erased([deposit?.maskSecret, deposit?.selfSecret, deposit?.ownShare])
    },
  },
]

const erased = (secrets: readonly (Uint8Array | undefined)[]): string =>
  secrets.every((secret) => secret?.every((byte) => byte === 0)) ? 'erased' : 'a secret is left'

const fast: readonly Attack[] = [
  {
    name: 'in fast mode calls a site that has uploaded a drop-out',
    expected: 'ERR_SURVIVORS_WITHOUT_ME',
    run: async (client) => revealsFast(client, [1, 2, 3, 4]),
  },
  {
    name: 'in fast mode asks for fewer survivors than the site demands',
    expected: 'ERR_TOO_FEW_SURVIVORS',
    run: async (client) => revealsFast(client, [0, 1, 2]),
  },
  {
    name: 'in fast mode asks a second time, for another list',
    expected: 'ERR_UNEXPECTED_MESSAGE',
    run: async (client) => revealsFast(client, five, [0, 1, 2, 3]),
  },
  {
    name: 'in fast mode has a list signed: it would be a second answer',
    expected: 'ERR_UNEXPECTED_MESSAGE',
    run: async (client) => agrees(await fastUploads(client), five),
  },
]

const fastUploads = async (client: Client): Promise<Stage> => {
  const cohort = await cohortOf(5, { client, encoding: { mode: 'fast' } })
  return uploadStage(await openStage(cohort, five, zero()), five, vectors)
}

async function revealsFast(client: Client, ...lists: readonly (readonly number[])[]): Promise<string> {
  const stage = await fastUploads(client)
  let state: ClientState = stateOf(stage, 0)
  for (const list of lists) {
    const body = bodies.survivors(stage.cohort.session.id, attempt, list)
    const signature = await signedAs(stage.cohort, 'unmask', body)
    const message: Unmask = { type: 'unmask', attempt, survivors: list, certificate: [], signature }
    state = (await client.reveal(stage.cohort.parties[0], state, message)).state
  }
  return 'revealed'
}

/** By what they are about: the heading of SECURITY.md's table. */
export const attacks: Readonly<Record<string, readonly Attack[]>> = {
  'lies about the start of a round': start,
  'lies about who is left': survivors,
  'asks for shares': shares,
  'asks again': again,
  'looks into memory': memory,
  'runs in fast mode': fast,
}

/** The outcome as one word: the code of a refusal, or what the attack saw. */
export async function outcomeOf({ run }: Attack, client: Client): Promise<string> {
  try {
    return await run(client)
  } catch (error) {
    const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined
    return typeof code === 'string' ? code : `fell over: ${error instanceof Error ? error.message : String(error)}`
  }
}
