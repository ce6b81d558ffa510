/** Every cell of both tables of states and messages, driven on the deployed site and the deployed coordinator. */

import { describe, expect, test } from 'vitest'
import * as client from '../../../protocol/secagg/client.ts'
import type { Mode } from '../../../protocol/secagg/formation.ts'
import { encodeSecure, type SecureMessage } from '../../../protocol/secagg/messages.ts'
import * as server from '../../../protocol/secagg/server.ts'
import { type CoordinatorPhase, coordinatorTable, type SitePhase, siteTable } from '../../../protocol/secagg/table.ts'
import { decodeMessage, encodeMessage } from '../../../protocol/wire/messages.ts'
import {
  agreeStage,
  cohortOf,
  depositStage,
  openStage,
  type Stage,
  stateOf,
  uploadStage,
} from '../../support/secure-round.ts'
import { runSums, wrongRounds } from '../../support/sum-run.ts'

const four = [0, 1, 2, 3]
const vectors = four.map((i) => Int32Array.of(i))
const modes: readonly Mode[] = ['strict', 'fast']

const types = Object.keys(siteTable.strict.idle).filter((type): type is SecureMessage['type'] => type in dummies())

/** A message of every kind, well formed and with nothing in it that holds. */
function dummies(attempt = 1): { readonly [T in SecureMessage['type']]: Extract<SecureMessage, { type: T }> } {
  const hash = new Uint8Array(32)
  const signature = new Uint8Array(64)
  const bundle = { index: 0, attempt, maskKey: hash, selfCommit: hash, shares: [], signature }
  return {
    'deposit-request': { type: 'deposit-request', attempt, peers: [] },
    deposit: { type: 'deposit', bundle },
    'round-start': {
      ...{ type: 'round-start', attempt, stateHash: hash, previous: [], members: [], sealed: [], peers: [], signature },
    },
    nack: { type: 'nack', attempt, dealer: 0 },
    upload: { type: 'upload', attempt, transcript: hash, vectorHash: hash, vectorLength: 4, next: bundle, signature },
    'sign-request': { type: 'sign-request', attempt, survivors: [], signature },
    consistency: { type: 'consistency', attempt, signature },
    unmask: { type: 'unmask', attempt, survivors: [], certificate: [], signature },
    reveal: { type: 'reveal', attempt, shares: [], signature },
  }
}

/** The cohort with site 0 in a phase; the round it is in runs as attempt 1. */
async function inPhase(mode: Mode, phase: SitePhase): Promise<Stage> {
  const opened = await openStage(await cohortOf(4, { encoding: { mode } }), four, new Int32Array(1))
  const site = opened.cohort.parties[0]
  const with0 = (stage: Stage, state: client.ClientState): Stage => ({
    ...stage,
    states: new Map(stage.states).set(0, state),
  })
  if (phase === 'idle') return opened
  const start = opened.starts.get(0)
  if (start === undefined) throw new Error('site 0 is in the round')
  if (phase === 'started' || phase === 'masked') {
    const { state } = await client.start(site, stateOf(opened, 0), start, opened.round.stateHash)
    return with0(opened, phase === 'started' ? state : await client.mask(site, state, Int32Array.of(0)))
  }
  const uploaded = await uploadStage(opened, four, vectors)
  if (phase === 'uploaded') return uploaded
  const agreed = await agreeStage(uploaded, four)
  if (phase === 'signed') return agreed
  const { state } = await client.reveal(
    site,
    stateOf(agreed, 0),
    await server.requestReveal(agreed.cohort.adder, agreed.round),
  )
  return with0(agreed, state)
}

/** Says to site 0 what an honest coordinator would say; the phase it is in afterwards. */
async function say(stage: Stage, type: SecureMessage['type']): Promise<SitePhase> {
  const { parties, adder } = stage.cohort
  const [site] = parties
  const state = stateOf(stage, 0)
  client.expects(site, state, type)
  switch (type) {
    case 'deposit-request': {
      const request = { attempt: 2, peers: [...stage.keys.values()] }
      return client.phaseOf((await client.deposit(site, state, request)).state)
    }
    case 'round-start': {
      const later = await depositStage(stage, four, new Int32Array(1), { attempt: 2 })
      const start = later.starts.get(0)
      if (start === undefined) throw new Error('site 0 is in the round')
      return client.phaseOf((await client.start(site, stateOf(later, 0), start, later.round.stateHash)).state)
    }
    case 'sign-request': {
      const { request } = await server.closeUploads(adder, stage.round)
      return client.phaseOf((await client.agree(site, state, request)).state)
    }
    case 'unmask': {
      const { round } = stage.round.survivors.length > 0 ? stage : await server.closeUploads(adder, stage.round)
      return client.phaseOf((await client.reveal(site, state, await server.requestReveal(adder, round))).state)
    }
    default:
      throw new Error(`a site took ${type}`)
  }
}

const phases = Object.keys(siteTable.strict).filter((phase): phase is SitePhase => phase in siteTable.strict)

describe('a site does with every message in every phase what its table says', () => {
  for (const mode of modes) {
    for (const phase of phases) {
      // Fast mode has no way into the phase in which something was signed.
      if (mode === 'fast' && phase === 'signed') continue
      test(`${mode}, ${phase}`, async () => {
        expect(types.length).toBe(9)
        for (const type of types) {
          const cell = siteTable[mode][phase][type]
          const said = say(await inPhase(mode, phase), type)
          if (cell === 'refuse')
            await expect(said, `${type} is refused`).rejects.toMatchObject({ code: 'ERR_UNEXPECTED_MESSAGE' })
          else expect(await said, type).toBe(cell)
        }
      })
    }
  }

  test('so does its participant: a message that is not for sites ends its part in the attempt, not the run', async () => {
    const run = await runSums({
      sites: 4,
      rounds: 2,
      shape: (link, { index }) => {
        if (index !== 1) return link
        const frames = (async function* () {
          for await (const frame of link.frames) {
            if (decodeMessage(frame).type === 'secure')
              yield encodeMessage({ type: 'secure', body: encodeSecure(dummies(999).reveal) })
            yield frame
          }
        })()
        return { ...link, frames }
      },
    })
    expect(run.siteEvents.filter(({ type }) => type === 'refused').length).toBeGreaterThan(3)
    expect(run.result.state.rounds.map(({ survivors }) => survivors)).toEqual([4, 4])
    expect(wrongRounds(run)).toEqual([])
  })
})

/** What a site says when the coordinator is in a phase: before it, the test has it say something else. */
const saidIn: Readonly<Record<CoordinatorPhase, string>> = {
  between: 'join',
  depositing: 'deposit',
  collecting: 'upload',
  agreeing: 'consistency',
  revealing: 'reveal',
}

/** Runs a round in which site 1 says `extra` before it says what is expected in `phase`. */
const runWith = (mode: Mode, phase: CoordinatorPhase, extra: readonly SecureMessage['type'][]) => {
  let done = false
  return runSums({
    sites: 5,
    rules: { encoding: { mode } },
    shape: (link, { index }) => ({
      ...link,
      send: (frame) => {
        const message = decodeMessage(frame)
        const type = message.type === 'secure' ? namesByTag[message.body[0]] : message.type
        if (index === 1 && !done && type === saidIn[phase]) {
          done = true
          for (const other of extra) link.send(encodeMessage({ type: 'secure', body: encodeSecure(dummies()[other]) }))
        }
        link.send(frame)
      },
    }),
  })
}

const namesByTag: Readonly<Record<number, string>> = Object.fromEntries(
  Object.values(dummies()).map((message) => [encodeSecure(message)[0], message.type]),
)

const coordinatorPhases = Object.keys(saidIn).filter((phase): phase is CoordinatorPhase => phase in saidIn)

describe('a coordinator does with every message in every phase what its table says', () => {
  for (const mode of modes) {
    for (const phase of coordinatorPhases) {
      if (mode === 'fast' && phase === 'agreeing') continue
      test(`${mode}, ${phase}`, async () => {
        const row = coordinatorTable[mode][phase]
        const ignored = types.filter((type) => row[type] === 'ignore')
        const run = await runWith(mode, phase, ignored)
        expect(run.result.state.rounds[0].survivors).toBe(5)
        expect(wrongRounds(run)).toEqual([])
        for (const type of types.filter((each) => row[each] === 'refuse')) {
          const broken = await runWith(mode, phase, [type])
          expect(broken.turnedAway, type).toContainEqual({ site: 1, code: 'ERR_UNEXPECTED_MESSAGE' })
          expect(wrongRounds(broken)).toEqual([])
        }
        // What is taken is what every run of these tests lives on; that it is taken nowhere else is seen above.
        expect(types.filter((type) => row[type] === 'take').sort()).toEqual(takenIn[phase])
      })
    }
  }
})

const takenIn: Readonly<Record<CoordinatorPhase, readonly SecureMessage['type'][]>> = {
  between: [],
  depositing: ['deposit'],
  collecting: ['nack', 'upload'],
  agreeing: ['consistency'],
  revealing: ['reveal'],
}
