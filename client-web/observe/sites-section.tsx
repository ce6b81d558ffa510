/** The sites: whether each is connected and with what, how often it was in the sum, how far it has signed the journal. */

import { Scroll } from '../shared/scroll.tsx'
import type { SiteStanding } from './answers.ts'
import type { SectionProps } from './app.tsx'
import { instant } from './format.ts'
import type { JournalView } from './journal.ts'
import { type RoundRow, type SiteRow, siteRows } from './rounds.ts'

export interface SitesProps extends SectionProps {
  readonly rows: readonly RoundRow[]
  readonly journal: JournalView | undefined
}

export function SitesSection(props: SitesProps) {
  const { state, rows, journal, words } = props
  const took = new Map(siteRows(rows, journal).map((row) => [row.name, row]))
  const standing = new Map(state.sites.map((site) => [site.name, site]))
  const names = [...new Set([...standing.keys(), ...took.keys()])].sort()
  if (names.length === 0) return null
  const here = state.sites.filter(({ link }) => link === 'connected').length
  return (
    <section data-testid="sites">
      <h2>{state.run === undefined ? words.sites : words.sitesTitle}</h2>
      <p class="quiet">
        {here} {words.of} {names.length} {words.connected}
      </p>
      <Scroll name={words.sitesTitle} tall>
        <table>
          <thead>
            <tr>
              <th scope="col">{words.name}</th>
              <th scope="col">{words.link}</th>
              <th scope="col">{words.version}</th>
              {rows.length === 0 ? null : (
                <>
                  <th scope="col">{words.inSum}</th>
                  <th scope="col">{words.lastRound}</th>
                  <th scope="col">{words.signedUpTo}</th>
                </>
              )}
            </tr>
          </thead>
          <tbody>
            {names.map((name) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <Link site={standing.get(name)} {...props} />
                {rows.length === 0 ? null : <Took row={took.get(name)} rounds={rows.length} {...props} />}
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </section>
  )
}

function Link({ site, words, language }: SitesProps & { readonly site: SiteStanding | undefined }) {
  const { link = 'unseen', heard, version, agent } = site ?? {}
  return (
    <>
      <td>
        <span class={`status ${link}`}>{words[link]}</span>
        {link === 'connected' || heard === undefined ? null : (
          <span class="quiet small beneath">
            {words.heard} {instant(heard, language)}
          </span>
        )}
      </td>
      <td class="quiet" lang="en">
        {version === undefined ? (
          '–'
        ) : (
          <>
            {agent}
            <span class="small beneath">wire {version}</span>
          </>
        )}
      </td>
    </>
  )
}

function Took({ row, rounds, words }: SitesProps & { readonly row: SiteRow | undefined; readonly rounds: number }) {
  const { rounds: inSum = 0, last, missed = rounds, signed = 0 } = row ?? {}
  return (
    <>
      <td>
        {inSum} {words.of} {rounds}
      </td>
      {last?.present ? (
        <td>{words.present}</td>
      ) : (
        <td class="prose">
          {words.missedFor} {missed}
          <span class="quiet small beneath" lang="en">
            {last?.why}
          </span>
        </td>
      )}
      <td>
        {signed} {words.of} {rounds}
      </td>
    </>
  )
}
