/** A journal as bytes: one canonical JSON line an entry, so that a file of it can be appended to and read by anybody. */

import { concat, equalBytes, utf8, utf8Text } from '../bytes.ts'
import { canonicalBytes } from '../canonical.ts'
import { ProtocolError } from '../errors.ts'
import { type SealedEntry, sealedSchema } from './entries.ts'

/** The longest line that is read: a roster or a round of 10,000 sites fits. */
const longestLine = 1 << 24

const newline = 10

export const encodeEntry = (sealed: SealedEntry): Uint8Array => concat(canonicalBytes(sealed), utf8('\n'))

/** One line, with or without its end. @throws ProtocolError ERR_JOURNAL. */
export function decodeEntry(line: Uint8Array): SealedEntry {
  const bytes = line[line.length - 1] === newline ? line.subarray(0, -1) : line
  if (bytes.length > longestLine) throw new ProtocolError('ERR_JOURNAL', `a line has at most ${longestLine} bytes`)
  const parsed = sealedSchema.safeParse(parseJson(bytes))
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new ProtocolError('ERR_JOURNAL', `not a journal entry: ${issue.path.map(String).join('.')}: ${issue.message}`)
  }
  // One form an entry: two files that say the same are the same.
  if (!equalBytes(canonicalBytes(parsed.data), bytes)) {
    throw new ProtocolError('ERR_JOURNAL', 'not the canonical form of this entry (RFC 8785)')
  }
  return parsed.data
}

export interface DecodedLog {
  readonly entries: readonly SealedEntry[]
  /** Bytes of an unfinished last line: a crash in the middle of an append. They were never acted upon. */
  readonly torn: number
}

/** A whole file. @throws ProtocolError ERR_JOURNAL with the number of the line that is none. */
export function decodeLog(bytes: Uint8Array): DecodedLog {
  const entries: SealedEntry[] = []
  let start = 0
  for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline, start)) {
    entries.push(decodeNumbered(bytes.subarray(start, end), entries.length + 1))
    start = end + 1
  }
  return { entries, torn: bytes.length - start }
}

function decodeNumbered(line: Uint8Array, number: number): SealedEntry {
  try {
    return decodeEntry(line)
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    throw new ProtocolError(error.code, `line ${number}: ${error.message}`)
  }
}

function parseJson(bytes: Uint8Array): unknown {
  const text = utf8Text(bytes)
  if (text === undefined) throw new ProtocolError('ERR_JOURNAL', 'expected UTF-8 text')
  try {
    return JSON.parse(text)
  } catch {
    throw new ProtocolError('ERR_JOURNAL', `expected a line of JSON, found ${JSON.stringify(text.slice(0, 80))}`)
  }
}
