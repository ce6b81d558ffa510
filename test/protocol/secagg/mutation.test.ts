/**
 * Each wall of a site is taken out of a copy of the source, one at a time; the attacks of `support/attacks.ts` must then
 * come out otherwise than they do against the site as deployed. A wall that nobody misses is not tested.
 */

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as bytes from '../../../protocol/bytes.ts'
import { SiteRefusal } from '../../../protocol/errors.ts'
import type * as participant from '../../../protocol/participant/participant.ts'
import * as formation from '../../../protocol/secagg/formation.ts'
import * as thresholds from '../../../protocol/secagg/thresholds.ts'
import { Stream } from '../../../protocol/stream.ts'
import * as encoding from '../../../protocol/vector/encoding.ts'
import { attacks, outcomeOf } from '../../support/attacks.ts'
import { type Edit, openWorkshop, type Workshop } from '../../support/mutants.ts'
import { runSums } from '../../support/sum-run.ts'

interface Wall extends Edit {
  readonly name: string
  /** The attack it keeps out. */
  readonly by: string
}

/** A check that throws: the mutant has its condition never hold. */
const check = (name: string, by: string, condition: string): Wall => ({
  name,
  by,
  file: 'walls.ts',
  text: `if (${condition})`,
  without: 'if (false)',
})

const walls: readonly Wall[] = [
  check(
    "the coordinator's signature",
    'changes a word of a start that it had signed',
    '!(await provider.ed25519Verify(session.coordinator, message, signed.signature))',
  ),
  check(
    "a member's signature",
    "swaps a peer's mask key for one of its own: the peer has signed another",
    '!(await provider.ed25519Verify(identity, message, signed.signature))',
  ),
  check(
    'one answer an attempt',
    'asks a restarted site to deal for an attempt it had answered',
    'attempt <= record.attempt',
  ),
  check(
    'the state computed here',
    'starts the round from a state the site did not compute',
    '!equalBytes(computed, announced)',
  ),
  check(
    'the round before',
    'goes on from a round that was not the last one the site took part in',
    'last !== undefined && !previous.some((transcript) => equalBytes(transcript, last))',
  ),
  check('no state of an earlier round', 'goes back to the state of an earlier round', 'isEarlier(record, stateHash)'),
  check(
    'members of the group, in order',
    'names one member twice',
    '!members.includes(index) || (i > 0 && index <= indices[i - 1])',
  ),
  check(
    'the minimum cohort',
    'starts it with fewer members than the site demands, whatever it says the threshold is',
    'members < thresholds.minimum',
  ),
  check('my own keys', "leaves the site's own deposit out", 'mine === undefined || !equalBytes(mine.maskKey, maskKey)'),
  check('distinct keys', 'has two members that it colludes with sign one mask key', 'other !== undefined'),
  check(
    'the same contribution to the same state',
    'sums one state again over other contributions of the same sites',
    '!equalBytes(revealed.contribution, contribution)',
  ),
  check(
    'survivors of the round',
    'names a site of the roster that is not in the round a survivor',
    'survivors.some((index) => !known.has(index))',
  ),
  check('myself among the survivors', 'calls a site that has uploaded a drop-out', '!survivors.includes(index)'),
  check(
    'enough survivors (the floor under t)',
    'asks for fewer survivors than the site demands',
    'survivors.length < thresholds.minimum',
  ),
  check(
    'the list that was signed',
    'asks for shares for another list than the one that was signed',
    '!sameIndices(survivors, signed)',
  ),
  check('as many signatures as open a secret', "counts one site's signature five times", 'signers.size < threshold'),
  {
    name: 'the same survivors for the same state',
    by: 'sums one state again without one of the sites, after all were restarted: the difference would be that site',
    file: 'walls.ts',
    text: '!sameIndices(revealed.survivors, survivors)',
    without: 'false',
  },
  {
    name: 'the signatures of the members under their keys',
    by: "swaps a peer's mask key for one of its own: the peer has signed another",
    file: 'client.ts',
    text: '  await walls.keysAreSigned(party, attempt, members)\n',
    without: '',
  },
  {
    name: 'one share a member, never both',
    by: 'looks for both secrets of one site in an answer',
    file: 'walls.ts',
    text: 'survived ? both.slice(32, 64) : both.slice(0, 32)',
    without: 'both.slice()',
  },
  {
    name: 'of a drop-out the key, of a survivor the seed',
    by: 'looks for both secrets of one site in an answer',
    file: 'walls.ts',
    text: 'survived ? both.slice(32, 64) : both.slice(0, 32)',
    without: 'both.slice(0, 32)',
  },
  {
    name: 'a second request for shares',
    by: 'asks for shares twice',
    file: 'table.ts',
    text: "'sign-request': 'refuse',\n    unmask: 'refuse',\n  },\n}\n\n/** Nothing is signed",
    without: "'sign-request': 'refuse',\n    unmask: 'revealed',\n  },\n}\n\n/** Nothing is signed",
  },
  {
    name: 'signatures before shares',
    by: 'asks for shares before anything was signed',
    file: 'table.ts',
    text: "'sign-request': 'signed',\n    unmask: 'refuse',",
    without: "'sign-request': 'signed',\n    unmask: 'revealed',",
  },
  {
    name: 'one signed list an attempt',
    by: 'has a second list signed',
    file: 'table.ts',
    text: "'sign-request': 'refuse',\n    unmask: 'revealed',",
    without: "'sign-request': 'signed',\n    unmask: 'revealed',",
  },
  {
    name: 'in fast mode one answer, not a signature beside it',
    by: 'in fast mode has a list signed: it would be a second answer',
    file: 'table.ts',
    text: "{ ...strict.uploaded, 'sign-request': 'refuse', unmask: 'revealed' }",
    without: "{ ...strict.uploaded, 'sign-request': 'signed', unmask: 'revealed' }",
  },
  {
    name: 'requests for the attempt that runs',
    by: 'asks about another attempt than the one that runs',
    file: 'client.ts',
    text: 'round === undefined || round.attempt !== message.attempt',
    without: 'round === undefined',
  },
  {
    name: 'a deposit for the attempt that starts',
    by: 'starts an attempt for which nothing was deposited',
    file: 'client.ts',
    text: 'if (own?.attempt !== attempt) throw walls.refused',
    without: 'if (own === undefined) throw walls.refused',
  },
  {
    name: 'the certificate in strict mode',
    by: 'asks for shares without the signatures of the others',
    file: 'client.ts',
    text: '    await walls.certified(party, round, message.certificate)\n',
    without: '',
  },
  {
    name: 'the record on the disk before the upload',
    by: 'asks a restarted site to deal for an attempt it had answered',
    file: 'client.ts',
    text: 'const record = { ...state.record, attempt }\n  await party.log.commit(encodeRecord(record), party.session.id)',
    without: 'const record = { ...state.record, attempt }',
  },
  {
    name: 'the record on the disk before the shares',
    by: 'sums one state again without one of the sites, after all were restarted: the difference would be that site',
    file: 'client.ts',
    text: 'const record = withReveal(state.record, { stateHash, survivors, contribution })\n  await party.log.commit(encodeRecord(record), party.session.id)',
    without: 'const record = withReveal(state.record, { stateHash, survivors, contribution })',
  },
  {
    name: 'commitment to a share',
    by: 'passes on a share with another commitment than the dealer made',
    file: 'dealing.ts',
    text: 'equalBytes(commits, given.commits) ? share : undefined',
    without: 'share',
  },
  {
    name: 'erasure of own secrets after masking',
    by: 'takes a copy of the memory of a site that has masked its vector',
    file: 'client.ts',
    text: 'for (const secret of [own.maskSecret, own.selfSecret]) secret.fill(0)',
    without: '',
  },
  {
    name: "erasure of the others' shares after revealing",
    by: 'takes a copy of the memory of a site that has revealed its shares',
    file: 'client.ts',
    text: '  eraseRound(round)\n  const next',
    without: '  const next',
  },
  {
    name: 'erasure of a round that was given up',
    by: 'takes a copy of the memory of a site that went on to another attempt',
    file: 'client.ts',
    text: '  eraseRound(state.round)\n  const complaints',
    without: '  const complaints',
  },
  {
    name: 'erasure of a deposit that is replaced',
    by: 'takes a copy of the memory of a site that dealt anew',
    file: 'client.ts',
    text: '  eraseDeposit(state.deposit)\n  return {',
    without: '  return {',
  },
]

let workshop: Workshop
beforeAll(async () => {
  workshop = await openWorkshop()
})
afterAll(() => workshop.close())

const all = Object.values(attacks).flat()

describe('a site', () => {
  test('that is copied with all its walls withstands every attack: the copy itself changes nothing', async () => {
    const whole = await workshop.clientWith()
    for (const attack of all) expect(await outcomeOf(attack, whole), attack.name).toBe(attack.expected)
  })

  test.each(walls)('without $name falls to one that $by', async ({ by, ...wall }) => {
    const attack = all.find(({ name }) => name === by)
    if (attack === undefined) throw new Error(`no attack "${by}"`)
    expect(await outcomeOf(attack, await workshop.clientWith(wall))).not.toBe(attack.expected)
  })
})

/** Walls of the house that do not stand in the secure sum's own files. */
describe('without a wall of the house', () => {
  const request = {
    purpose: 'test',
    bits: 32 as const,
    lanes: [{ name: 'v', length: 1, bound: 1, kind: 'real' as const }],
  }

  const encodes = ({ encode }: typeof encoding, value: number): string => {
    try {
      encode({ v: Float64Array.of(value) }, request, { sites: 3, coins: new Stream('coins') })
      return 'encoded'
    } catch (error) {
      return error instanceof Error && 'code' in error ? String(error.code) : 'fell over'
    }
  }

  test('numbers that are none, or beyond the bound, are encoded', async () => {
    const open = await workshop.load<typeof encoding>('vector/encoding.ts', {
      file: '../vector/encoding.ts',
      text: 'if (!(Math.abs(values[i]) <= lane.bound)) refuse',
      without: 'if (false) refuse',
    })
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, 1.5]) {
      expect(encodes(encoding, value)).toBe('ERR_ENCODING')
      expect(encodes(open, value)).not.toBe('ERR_ENCODING')
    }
  })

  test('lengths are believed before anything is allocated', async () => {
    const open = await workshop.load<typeof bytes>('bytes.ts', {
      file: '../bytes.ts',
      text: 'if (value > max) throw',
      without: 'if (false) throw',
    })
    const long = Uint8Array.of(0, 0, 0, 4, 1, 2, 3, 4)
    expect(() => new bytes.Reader(long).bytes('field', { max: 3 })).toThrow('at most 3')
    expect(() => new open.Reader(long).bytes('field', { max: 3 })).not.toThrow()
  })

  test('thresholds let both secrets of a site be opened', async () => {
    const open = await workshop.load<typeof thresholds>('secagg/thresholds.ts', {
      file: 'thresholds.ts',
      text: 'Math.floor((sites + colluding) / 2) + 1',
      without: '0',
    })
    const safe = ({ thresholdsOf }: typeof thresholds): boolean => 2 * thresholdsOf(10, { colluding: 6 }).threshold > 16
    expect(safe(thresholds)).toBe(true)
    expect(safe(open)).toBe(false)
  })

  test('a plan runs in which one honest site may stand alone', async () => {
    const open = await workshop.load<typeof formation>('secagg/formation.ts', {
      file: 'formation.ts',
      text: 'if (honest < fewestHonest)',
      without: 'if (false)',
    })
    const rules = { quorum: { colluding: 2 } }
    expect(() => formation.formationOf(3, rules)).toThrow(expect.objectContaining({ code: 'ERR_HONEST_MINIMUM' }))
    expect(open.formationOf(3, rules).honest).toBe(1)
  })

  test('noise is sized for all sites, not for the honest ones that are surely there', async () => {
    const open = await workshop.load<typeof formation>('secagg/formation.ts', {
      file: '../privacy/cohort.ts',
      text: "mode === 'strict' ? minimum - colluding : fastDelta({ sites, colluding, threshold })",
      without: 'sites',
    })
    for (const mode of ['strict', 'fast'] as const) {
      const rules = { encoding: { mode } }
      const { honest } = formation.formationOf(20, rules)
      expect(formation.honestNoise(20, rules)).toBeLessThanOrEqual(honest)
      expect(open.honestNoise(20, rules)).toBeGreaterThan(honest)
    }
  })

  test('a contribution leaves that the ledger had refused', async () => {
    const { createParticipant } = await workshop.load<typeof participant>('participant/participant.ts', {
      file: '../participant/contributing.ts',
      text: '  await shell.charge(chargeFor(membership, { attempt: message.attempt, request, again: said.charged }))\n',
      without: '',
    })
    const charge = async (index: number): Promise<void> => {
      if (index === 1) throw new SiteRefusal('ERR_BUDGET', 'nothing is left')
    }
    const participants = async (one?: typeof participant.createParticipant): Promise<number | undefined> =>
      (await runSums({ sites: 5, charge, ...(one && { participant: one }) })).result.state.rounds[0]?.survivors
    expect(await participants()).toBe(4)
    expect(await participants(createParticipant)).toBe(5)
  })
})
