/** What the page reads of a run's journal: its rounds through every restart, its head, who has signed it, what it has cost. */

import { late } from '../shared/verified.ts'
import { type Absence, parseEntry } from './answers.ts'

export interface JournalRound {
  readonly purpose: string
  readonly sites: readonly string[]
  readonly absent: readonly Absence[]
  readonly stateHash: string
  readonly at: number
}

export interface JournalView {
  readonly entries: number
  /** SHA-256 of the last entry, computed in this page from the entry itself. */
  readonly head: string
  readonly rounds: readonly JournalRound[]
  /** Names of the run's roster, each with how many entries the site has replayed and signed. */
  readonly signed: ReadonlyMap<string, number>
  /** Entries up to each round and with it: who has signed so many has signed the round. */
  readonly roundEnds: readonly number[]
  /** The last charge; `undefined` where no noise is in the plan. */
  /** The build of the pages that it named last. */
  readonly pages: string | undefined
  readonly privacy:
    | { readonly unit: 'record' | 'patient' | 'site'; readonly epsilon: number | null; readonly delta: number }
    | undefined
}

export async function readJournal(text: string): Promise<JournalView | undefined> {
  const lines = text.split('\n').filter((line) => line !== '')
  const last = lines.at(-1)
  if (last === undefined) return undefined
  const rounds: JournalRound[] = []
  const signed = new Map<string, number>()
  let purpose = ''
  const roundEnds: number[] = []
  let privacy: JournalView['privacy']
  let pages: string | undefined
  for (const { index, at, entry } of lines.map(parseEntry)) {
    if (entry === undefined) continue
    if (entry.type === 'roster') for (const { name } of entry.sites) signed.set(name, 0)
    else if (entry.type === 'round-start') purpose = entry.purpose
    else if (entry.type === 'round') {
      const { participants: sites, absent, stateHash } = entry
      rounds.push({ purpose, sites, absent, stateHash, at })
      roundEnds.push(index + 1)
    } else if (entry.type === 'pages') pages = entry.hash
    else if (entry.type === 'budget') privacy = entry
    else signed.set(entry.site, Math.max(entry.index, signed.get(entry.site) ?? 0))
  }
  return { entries: lines.length, head: await headOf(last), rounds, signed, roundEnds, pages, privacy }
}

/** The protocol's own code, loaded once there is a journal to look at. @throws InputError ERR_INTEGRITY, ERR_UNREACHABLE. */
async function headOf(line: string): Promise<string> {
  const [{ decodeEntry }, { headAfter }, { toHex, utf8 }] = await late(() =>
    Promise.all([
      import('../../protocol/journal/codec.ts'),
      import('../../protocol/journal/chain.ts'),
      import('../../protocol/bytes.ts'),
    ]),
  )
  return toHex(headAfter(decodeEntry(utf8(line))).hash)
}
