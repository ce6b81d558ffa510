import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ProtocolError } from '../../../protocol/errors.ts'
import { decodeSecure, decodeSessionKey } from '../../../protocol/secagg/messages.ts'
import { decodeRecord, encodeRecord } from '../../../protocol/secagg/record.ts'
import { decodeMessage, encodeMessage, type Message } from '../../../protocol/wire/messages.ts'

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const name = fc.string({ minLength: 1, maxLength: 40 })

const message: fc.Arbitrary<Message> = fc.oneof(
  fc.record({
    type: fc.constant('hello' as const),
    version: fc.integer({ min: 1, max: 65_535 }),
    identity: bytes(32),
    nonce: bytes(32),
  }),
  fc.record({ type: fc.constant('proof' as const), signature: bytes(64) }),
  fc.record({ type: fc.constant('welcome' as const), token: bytes(32) }),
  fc.record({
    type: fc.constant('abort' as const),
    attempt: fc.integer({ min: 0, max: 2 ** 40 }),
    code: fc.constant('ERR_TEST'),
    reason: name,
  }),
  fc.record({
    type: fc.constant('progress' as const),
    attempt: fc.integer({ min: 0, max: 2 ** 40 }),
    done: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  }),
  fc.record({ type: fc.constant('secure' as const), body: fc.uint8Array({ minLength: 1, maxLength: 200 }) }),
)

test('a message comes back from its frame', () => {
  fc.assert(
    fc.property(message, (sent) => {
      expect(decodeMessage(encodeMessage(sent))).toEqual(sent)
    }),
  )
})

test('an answer record comes back from its bytes', () => {
  const record = fc.record({
    session: bytes(32),
    attempt: fc.integer({ min: 0, max: 2 ** 40 }),
    revealed: fc.option(
      fc.record({
        stateHash: bytes(32),
        survivors: fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 9 }),
        contribution: bytes(32),
      }),
      { nil: undefined },
    ),
    earlier: fc.array(bytes(16), { maxLength: 5 }),
  })
  fc.assert(
    fc.property(record, (kept) => {
      expect(decodeRecord(encodeRecord(kept))).toEqual(kept)
    }),
  )
})

describe.each([
  ['a control frame', decodeMessage],
  ['a message of the secure sum', decodeSecure],
  ['a session key', decodeSessionKey],
  ['an answer record', decodeRecord],
])('%s from a stranger', (_, decode) => {
  const refuses = (frame: Uint8Array): boolean => {
    try {
      decode(frame)
      return true
    } catch (error) {
      if (error instanceof ProtocolError) return true
      throw error
    }
  }

  test('is decoded or refused with a ProtocolError, whatever its bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (frame) => refuses(frame)),
      { numRuns: 2000 },
    )
  })

  test('is decoded or refused after every single change to a frame of ours', () => {
    fc.assert(
      fc.property(message, fc.nat(), fc.integer({ min: 0, max: 255 }), (sent, at, value) => {
        const frame = encodeMessage(sent).slice()
        frame[at % frame.length] = value
        return refuses(frame) && refuses(frame.subarray(0, at % frame.length))
      }),
    )
  })
})
