/** States and messages of the secure sum: what each side does with every message in every phase. The compiler asks for missing cells. */

import type { Mode } from './formation.ts'
import type { SecureMessage, ToCoordinator, ToSite } from './messages.ts'

/** Where a site is in a round. */
export type SitePhase = 'idle' | 'started' | 'masked' | 'uploaded' | 'signed' | 'revealed'

/** The phase in which a site is once it has taken the message; or the message is refused with ERR_UNEXPECTED_MESSAGE. */
type SiteCell = SitePhase | 'refuse'
type SiteTable = Readonly<Record<SitePhase, Readonly<Record<SecureMessage['type'], SiteCell>>>>

/** What sites say, a site never hears. */
const notForSites: Readonly<Record<ToCoordinator['type'], 'refuse'>> = {
  deposit: 'refuse',
  nack: 'refuse',
  upload: 'refuse',
  consistency: 'refuse',
  reveal: 'refuse',
}

/** A deposit can be asked for and a later attempt can start at any time; what ran before is given up and erased. */
const strict: SiteTable = {
  idle: {
    ...notForSites,
    'deposit-request': 'idle',
    'round-start': 'started',
    'sign-request': 'refuse',
    unmask: 'refuse',
  },
  started: {
    ...notForSites,
    'deposit-request': 'started',
    'round-start': 'started',
    'sign-request': 'refuse',
    unmask: 'refuse',
  },
  masked: {
    ...notForSites,
    'deposit-request': 'masked',
    'round-start': 'started',
    'sign-request': 'refuse',
    unmask: 'refuse',
  },
  uploaded: {
    ...notForSites,
    'deposit-request': 'uploaded',
    'round-start': 'started',
    'sign-request': 'signed',
    unmask: 'refuse',
  },
  signed: {
    ...notForSites,
    'deposit-request': 'signed',
    'round-start': 'started',
    'sign-request': 'refuse',
    unmask: 'revealed',
  },
  revealed: {
    ...notForSites,
    'deposit-request': 'revealed',
    'round-start': 'started',
    'sign-request': 'refuse',
    unmask: 'refuse',
  },
}

/** Nothing is signed: a site reveals out of `uploaded`, and `signed` is never reached. */
const fast: SiteTable = {
  ...strict,
  uploaded: { ...strict.uploaded, 'sign-request': 'refuse', unmask: 'revealed' },
  signed: { ...strict.signed, unmask: 'refuse' },
}

export const siteTable: Readonly<Record<Mode, SiteTable>> = { strict, fast }

/** Where the coordinator is in an attempt; `between` attempts it only waits. */
export type CoordinatorPhase = 'between' | 'depositing' | 'collecting' | 'agreeing' | 'revealing'

/** Taken and checked; too late or too early, and of no concern; or a rule broken, and the site's link ends. */
type CoordinatorCell = 'take' | 'ignore' | 'refuse'
type CoordinatorTable = Readonly<Record<CoordinatorPhase, Readonly<Record<SecureMessage['type'], CoordinatorCell>>>>

/** What the coordinator says, it never hears. */
const notForCoordinators: Readonly<Record<ToSite['type'], 'refuse'>> = {
  'deposit-request': 'refuse',
  'round-start': 'refuse',
  'sign-request': 'refuse',
  unmask: 'refuse',
}

/** An answer may cross the end of its phase on the way, so a late one is no fault. */
const late = {
  ...notForCoordinators,
  deposit: 'ignore',
  nack: 'ignore',
  upload: 'ignore',
  consistency: 'ignore',
  reveal: 'ignore',
} as const

const agreed: CoordinatorTable = {
  between: late,
  depositing: { ...late, deposit: 'take' },
  collecting: { ...late, nack: 'take', upload: 'take' },
  agreeing: { ...late, consistency: 'take' },
  revealing: { ...late, reveal: 'take' },
}

const unasked = { consistency: 'refuse' } as const

export const coordinatorTable: Readonly<Record<Mode, CoordinatorTable>> = {
  strict: agreed,
  fast: {
    between: { ...agreed.between, ...unasked },
    depositing: { ...agreed.depositing, ...unasked },
    collecting: { ...agreed.collecting, ...unasked },
    agreeing: { ...agreed.agreeing, ...unasked },
    revealing: { ...agreed.revealing, ...unasked },
  },
}
