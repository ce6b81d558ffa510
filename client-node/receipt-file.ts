/** Receipts on disk: one line for everything that left, chained, so that a line that is gone or changed shows. */

import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, truncateSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { sha256 } from '@noble/hashes/sha2.js'
import * as z from 'zod'
import { toHex } from '../protocol/bytes.ts'
import { canonicalHash } from '../protocol/canonical.ts'
import { InputError } from '../protocol/errors.ts'
import type { Participant } from '../protocol/participant/participant.ts'
import type { Receipt } from '../protocol/participant/receipt.ts'
import { eventSchema } from '../protocol/privacy/event.ts'
import { decodeSecure } from '../protocol/secagg/messages.ts'
import type { SiteLink } from '../protocol/wire/channel.ts'
import { decodeMessage } from '../protocol/wire/messages.ts'

const contribution = z.strictObject({
  kind: z.literal('contribution'),
  session: z.string(),
  plan: z.string(),
  round: z.int(),
  purpose: z.string(),
  lanes: z.array(
    z.strictObject({
      name: z.string(),
      length: z.int(),
      bound: z.number(),
      norm: z.number(),
      largest: z.number().nullable(),
    }),
  ),
  clipped: z.boolean().nullable(),
  suppressed: z.int(),
  mechanism: z.string(),
  unit: z.enum(['record', 'patient', 'site']).nullable(),
  charge: z.array(eventSchema),
  masked: z.literal(true),
  bytes: z.int(),
  sha256: z.string(),
})

/** A control message: keys, shares, signatures, refusals. It holds no number of a record. */
const control = z.strictObject({ kind: z.literal('control'), type: z.string(), bytes: z.int(), sha256: z.string() })

const lineSchema = z.strictObject({
  index: z.int().min(0),
  /** Hash of the line before; zeros before the first. */
  previous: z.string().regex(/^[0-9a-f]{64}$/),
  at: z.int(),
  receipt: z.discriminatedUnion('kind', [contribution, control]),
})

export type ReceiptLine = z.infer<typeof lineSchema>
export type ContributionReceipt = z.infer<typeof contribution>

/** Written in the order in which things leave, a contribution's durably before it does. */
export class ReceiptFile {
  readonly #file: number
  #index: number
  #previous: string

  /** @throws InputError ERR_RECEIPTS where the lines before do not hold: a broken chain is not gone on with. */
  constructor(path: string) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    const { lines, torn, bytes } = readReceipts(path)
    // Half a line is what a crash left: what it was for has not left.
    if (torn > 0) truncateSync(path, bytes - torn)
    this.#file = openSync(path, 'a', 0o600)
    this.#index = lines.length
    this.#previous = hashOf(lines.at(-1))
  }

  contribution(receipt: Receipt): void {
    this.#write({ kind: 'contribution', ...receipt, lanes: [...receipt.lanes], charge: [...receipt.charge] })
    fsyncSync(this.#file)
  }

  control(frame: Uint8Array): void {
    const message = decodeMessage(frame)
    // A heartbeat says that the site is alive, and no more.
    if (message.type === 'progress') return
    const type = message.type === 'secure' ? `secure ${decodeSecure(message.body).type}` : message.type
    this.#write({ kind: 'control', type, bytes: frame.length, sha256: toHex(sha256(frame)) })
  }

  close(): void {
    closeSync(this.#file)
  }

  #write(receipt: ReceiptLine['receipt']): void {
    const line: ReceiptLine = { index: this.#index, previous: this.#previous, at: Date.now(), receipt }
    writeSync(this.#file, `${JSON.stringify(line)}\n`)
    this.#index++
    this.#previous = hashOf(line)
  }
}

/** A participant whose every message has its receipt before it is sent. */
export const withReceipts = (participant: Participant, receipts: ReceiptFile): Participant => ({
  serve: (link) => participant.serve(recorded(link, receipts)),
})

const recorded = (link: SiteLink, receipts: ReceiptFile): SiteLink => ({
  frames: link.frames,
  send: (frame) => {
    receipts.control(frame)
    link.send(frame)
  },
  close: () => link.close(),
  upload: (blob, hash) => link.upload(blob, hash),
  download: (hash, maxBytes) => link.download(hash, maxBytes),
})

export interface ReadReceipts {
  readonly lines: readonly ReceiptLine[]
  /** Bytes of an unfinished last line. */
  readonly torn: number
  readonly bytes: number
}

/** @throws InputError ERR_RECEIPTS with the first line that does not hold. */
export function readReceipts(path: string): ReadReceipts {
  const text = textOf(path)
  const end = text.lastIndexOf('\n') + 1
  const lines: ReceiptLine[] = []
  for (const [i, line] of text.slice(0, end).split('\n').slice(0, -1).entries())
    lines.push(parseLine(line, i, lines, path))
  const bytes = Buffer.byteLength(text)
  return { lines, torn: bytes - Buffer.byteLength(text.slice(0, end)), bytes }
}

function parseLine(text: string, index: number, before: readonly ReceiptLine[], path: string): ReceiptLine {
  const fault = (reason: string): InputError => new InputError('ERR_RECEIPTS', `line ${index + 1}: ${reason}`, path)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw fault('it is no receipt')
  }
  const parsed = lineSchema.safeParse(value)
  if (!parsed.success) throw fault('it is no receipt')
  if (parsed.data.index !== index) throw fault(`expected receipt ${index}, found ${parsed.data.index}: some are gone`)
  if (parsed.data.previous !== hashOf(before.at(-1))) throw fault('the line before was changed')
  return parsed.data
}

const hashOf = (line: ReceiptLine | undefined): string =>
  line === undefined ? '00'.repeat(32) : toHex(canonicalHash(line))

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return ''
    throw error
  }
}
