/** The way in: the invitation, the words for the telephone, and the list of sites. */

import type { SectionProps } from './app.tsx'
import { Section } from './section.tsx'

export function InviteSection({ state: { phase, site, fault }, words, act }: SectionProps) {
  if (phase === 'elsewhere')
    return (
      <section aria-live="polite">
        <h2>{words.elsewhereTitle}</h2>
        <p>{words.elsewhere}</p>
      </section>
    )
  if (phase === 'uninvited')
    return (
      <section>
        <h2>{words.uninvitedTitle}</h2>
        <p>{words.uninvited}</p>
      </section>
    )
  if (site === undefined) return null
  if (phase === 'refused')
    return (
      <section class="fault" role="alert">
        <h2>{words.refusedTitle}</h2>
        <p>{fault?.reason}</p>
      </section>
    )
  if (phase === 'invited')
    return (
      <section>
        <h2>{words.inviteTitle}</h2>
        <dl>
          <dt>{words.invited}</dt>
          <dd>{site.name}</dd>
          <dt>{words.coordinator}</dt>
          <dd>{site.url}</dd>
        </dl>
        <div class="acts">
          <button type="button" class="main" onClick={() => act({ type: 'apply' })}>
            {words.apply}
          </button>
        </div>
      </section>
    )
  if (phase !== 'pending') return null
  return (
    <section aria-live="polite">
      <h2>{words.pendingTitle}</h2>
      <p>{words.pending}</p>
      <p class="words" data-testid="words" lang="en">
        {site.words}
      </p>
      <p class="quiet small">{site.sealed ? words.keySealed : words.keySeed}</p>
    </section>
  )
}

export function RosterSection({ state: { site }, words, act }: SectionProps) {
  const { roster, waiting } = site ?? {}
  const shown = waiting ?? roster
  if (shown === undefined) return null
  const asked = waiting !== undefined
  return (
    <Section title={asked ? words.rosterNew : words.rosterTitle} state={asked ? 'open' : 'done'} fold={!asked}>
      <p>{shown.sites.join(', ')}</p>
      <p class="quiet">{words.rosterWords}</p>
      <p class="words" lang="en">
        {shown.words}
      </p>
      {asked ? (
        <div class="acts">
          <button type="button" class="main" onClick={() => act({ type: 'accept' })}>
            {words.rosterAccept}
          </button>
        </div>
      ) : null}
    </Section>
  )
}
