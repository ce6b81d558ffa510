/** The rounds of a run, from its journal and from what the coordinator told of them; and what a person sees of long series. */

import type { Absence, PhaseEvent, RoundEvent, ShownEvent } from './answers.ts'
import type { JournalView } from './journal.ts'

/** A round as the coordinator told it, with how long each phase of its last attempt took. */
export interface ToldRound extends RoundEvent {
  readonly phases: readonly PhaseTime[]
}

export interface PhaseTime {
  readonly phase: string
  readonly seconds: number
}

interface Told {
  readonly rounds: readonly ToldRound[]
  /** Of the round that is under way. */
  readonly phases: readonly PhaseEvent[]
}

/** The rounds among the events; a phase ends where the next begins, the last one with its round. */
export function toldRounds(before: readonly PhaseEvent[], events: readonly ShownEvent[]): Told {
  const rounds: ToldRound[] = []
  let phases = [...before]
  for (const event of events) {
    if (event.type === 'phase') phases.push(event)
    else if (event.type === 'retry') phases = []
    else if (event.type === 'round') {
      const ends = [...phases.slice(1).map(({ at }) => at), event.at]
      rounds.push({ ...event, phases: phases.map(({ phase, at }, i) => ({ phase, seconds: (ends[i] - at) / 1000 })) })
      phases = []
    }
  }
  return { rounds, phases }
}

export interface RoundRow {
  readonly round: number
  readonly purpose: string
  readonly sites: readonly string[]
  readonly absent: readonly Absence[]
  readonly at: number
  /** Known of the rounds that this coordinator process has seen: a restarted one has the journal alone. */
  readonly measured:
    | Pick<ToldRound, 'seconds' | 'phases' | 'bytesUp' | 'bytesDown' | 'metrics' | 'intervals'>
    | undefined
}

/** The journal has every round; the events have more to say of theirs, and may be ahead of it. */
export function roundRows(journal: JournalView | undefined, events: readonly ToldRound[]): readonly RoundRow[] {
  const told = new Map(events.map((event) => [event.stateHash, event]))
  const written = (journal?.rounds ?? []).map(
    (entry, round): RoundRow => ({ round, ...entry, measured: told.get(entry.stateHash) }),
  )
  const ahead = events
    .filter(({ round }) => round >= written.length)
    .map((event): RoundRow => ({ ...event, measured: event }))
  return [...written, ...ahead]
}

export interface Point {
  readonly round: number
  readonly value: number
  /** 95 %, where the sums hold what it takes. */
  readonly interval: readonly [number, number] | undefined
}

export interface Curve {
  readonly name: string
  readonly points: readonly Point[]
}

/** What a training is followed by, in this order. */
const followed = ['trainingLoss', 'loss', 'auc', 'accuracy', 'rootMeanSquaredError', 'r2', 'brier']
/** Counts that are no curve. */
const counts = new Set(['round', 'trainingRows', 'examples'])
const mostCurves = 6

export function curvesOf(rows: readonly RoundRow[]): readonly Curve[] {
  const series = new Map<string, Point[]>()
  for (const { round, measured } of rows)
    for (const [name, value] of Object.entries(measured?.metrics ?? {})) {
      if (value === null || counts.has(name)) continue
      const points = series.get(name) ?? []
      points.push({ round, value, interval: measured?.intervals?.[name] })
      series.set(name, points)
    }
  const rank = (name: string): number => (followed.includes(name) ? followed.indexOf(name) : followed.length)
  return [...series]
    .filter(([, points]) => points.length > 1)
    .sort(([a], [b]) => rank(a) - rank(b))
    .slice(0, mostCurves)
    .map(([name, points]) => ({ name, points }))
}

/** At most `most` points (twice that for `most` buckets): the least and the largest of each bucket, so that no spike is lost. */
export function thin(points: readonly Point[], most: number): readonly Point[] {
  if (points.length <= most) return points
  const bucket = Math.ceil((2 * points.length) / most)
  const kept: Point[] = []
  for (let from = 0; from < points.length; from += bucket) {
    const part = points.slice(from, from + bucket)
    const least = part.reduce((a, b) => (b.value < a.value ? b : a))
    const largest = part.reduce((a, b) => (b.value > a.value ? b : a))
    kept.push(...(least === largest ? [least] : least.round < largest.round ? [least, largest] : [largest, least]))
  }
  return kept
}

/** A stretch of rounds as one bar of the timeline. */
export interface Bar {
  readonly from: number
  readonly to: number
  /** The slowest of them; 0 where none was measured. */
  readonly seconds: number
  /** The largest share of the sites that was absent in one of them, 0 to 1. */
  readonly absent: number
}

export function barsOf(rows: readonly RoundRow[], most: number): readonly Bar[] {
  const bucket = Math.max(1, Math.ceil(rows.length / most))
  return Array.from({ length: Math.ceil(rows.length / bucket) }, (_, i) => {
    const part = rows.slice(i * bucket, (i + 1) * bucket)
    return {
      from: part[0]?.round ?? 0,
      to: part.at(-1)?.round ?? 0,
      seconds: Math.max(...part.map(({ measured }) => measured?.seconds ?? 0)),
      absent: Math.max(...part.map(({ sites, absent }) => absent.length / Math.max(1, sites.length + absent.length))),
    }
  })
}

export interface SiteRow {
  readonly name: string
  readonly rounds: number
  readonly last: { readonly present: boolean; readonly why: string }
  /** Rounds in a row, up to the last, in which it was not. */
  readonly missed: number
  /** Rounds up to which it has signed the journal. */
  readonly signed: number
}

/** Each site of the run: how often it was in the sum, how it stood in the last round, whether it has signed. */
export function siteRows(rows: readonly RoundRow[], journal: JournalView | undefined): readonly SiteRow[] {
  const last = rows.at(-1)
  const names = new Set([...(journal?.signed.keys() ?? []), ...rows.flatMap(({ sites }) => sites)])
  const counts = new Map<string, number>()
  const latest = new Map<string, number>()
  for (const [row, { sites }] of rows.entries())
    for (const site of sites) {
      counts.set(site, (counts.get(site) ?? 0) + 1)
      latest.set(site, row)
    }
  const absent = new Map(last?.absent.map(({ site, code, reason }) => [site, `${code} ${reason}`]))
  return [...names].sort().map((name) => ({
    name,
    rounds: counts.get(name) ?? 0,
    last: { present: last?.sites.includes(name) ?? false, why: absent.get(name) ?? '' },
    missed: rows.length - 1 - (latest.get(name) ?? -1),
    signed: signedRounds(journal, name),
  }))
}

function signedRounds(journal: JournalView | undefined, site: string): number {
  if (journal === undefined) return 0
  const entries = journal.signed.get(site) ?? 0
  return journal.roundEnds.findLastIndex((end) => end <= entries) + 1
}
