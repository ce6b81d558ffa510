/** The participant of one run in a browser: every computation there is, over what this browser keeps. */

import type { Site } from '../../learning/algorithms/site.ts'
import { computationOf, planMenus } from '../../learning/computation.ts'
import { toHex } from '../../protocol/bytes.ts'
import { createParticipant, type Participant } from '../../protocol/participant/participant.ts'
import { parsePlanFile } from '../../protocol/plan.ts'
import type { BrowserSite } from './agent.ts'

const beatEvery = 2_000

export const participantOf = (site: BrowserSite): Participant =>
  createParticipant<unknown, Site>({
    name: site.name,
    identity: site.identity,
    coordinator: site.coordinator,
    roster: site.roster,
    provider: site.provider,
    random: site.random,
    book: site.book,
    withdrawn: site.withdrawn,
    now: () => ({ instant: Date.now(), zone: -new Date().getTimezoneOffset() }),
    log: {
      load: (session) => site.store.answer(toHex(session)),
      commit: (record, session) => site.store.putAnswer(toHex(session), record),
    },
    policy: site.policy,
    desk: site.desk,
    parse: (text) => parsePlanFile(new TextDecoder().decode(text), planMenus).plan,
    compute: (plan) => ({ plan, ...computationOf(plan, site.roster.length) }),
    open: site.open,
    during: async (work, beat) => {
      const timer = setInterval(beat, beatEvery)
      try {
        return await work
      } finally {
        clearInterval(timer)
      }
    },
    affords: site.affords,
    charge: site.charge,
    keepReceipt: (receipt) => site.store.addReceipt(receipt),
    report: site.report,
  })
