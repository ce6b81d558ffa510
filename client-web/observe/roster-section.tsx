/** For the operator: who is in the roster, who waits to be let in, and the words that decide it. */

import { useState } from 'preact/hooks'
import { Scroll } from '../shared/scroll.tsx'
import type { SectionProps } from './app.tsx'
import { instant } from './format.ts'

export function RosterSection(props: SectionProps) {
  const { roster } = props.state
  if (roster === undefined) return null
  const { words } = props
  const { sites } = roster.roster
  const open = roster.invites.filter(({ used }) => !used)
  return (
    <section data-testid="roster">
      <h2>{words.rosterTitle}</h2>
      {roster.waiting.map(({ name, since }) => (
        <Waiting key={name} site={name} since={since} {...props} />
      ))}
      {sites.length === 0 ? (
        <p class="quiet">{words.rosterNone}</p>
      ) : (
        <>
          <p class="quiet">{words.rosterWords}</p>
          <p class="words" lang="en">
            {roster.roster.words}
          </p>
          <Scroll name={words.rosterTitle} tall>
            <table>
              <tbody>
                {sites.map((site) => (
                  <tr key={site.name}>
                    <th scope="row">{site.name}</th>
                    <td class="quiet" lang="en">
                      {site.words}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </Scroll>
        </>
      )}
      {open.length === 0 ? null : (
        <p class="quiet small">
          {words.invites}: {open.map(({ name }) => name).join(', ')}
        </p>
      )}
    </section>
  )
}

/** The words are typed as the site reads them out: a key that was exchanged on the way has others. */
function Waiting({
  site,
  since,
  words,
  language,
  act,
}: SectionProps & { readonly site: string; readonly since: number }) {
  const [said, setSaid] = useState('')
  const [reason, setReason] = useState('')
  return (
    <form
      class="application"
      onSubmit={(event) => {
        event.preventDefault()
        act({ type: 'approve', site, words: said })
      }}
    >
      <h3>
        {words.waitingTitle}: {site}
      </h3>
      <p class="quiet small">{instant(since, language)}</p>
      <label>
        <span>{words.approveWords}</span>
        <input
          class="long"
          autocomplete="off"
          spellcheck={false}
          value={said}
          onInput={({ currentTarget }) => setSaid(currentTarget.value)}
        />
      </label>
      <div class="acts">
        <button type="submit" class="main" disabled={said.trim().split(/\s+/).length < 6}>
          {words.approve}
        </button>
      </div>
      <details>
        <summary>{words.refuseInstead}</summary>
        <label>
          <span>{words.refuseReason}</span>
          <input class="long" value={reason} onInput={({ currentTarget }) => setReason(currentTarget.value)} />
        </label>
        <div class="acts">
          <button
            type="button"
            disabled={reason.trim() === ''}
            onClick={() => act({ type: 'refuse', site, reason: reason.trim() })}
          >
            {words.refuse}
          </button>
        </div>
      </details>
    </form>
  )
}
