/** The sites of the run: how often each was in the sum, how it stood last, how far it has signed the journal. */

import { Scroll } from '../shared/scroll.tsx'
import { siteRows } from './rounds.ts'
import type { RunProps } from './run-section.tsx'

export function SitesSection({ run, rows, words }: RunProps) {
  const sites = siteRows(rows, run.journal)
  if (sites.length === 0) return null
  return (
    <section>
      <h2>{words.sitesTitle}</h2>
      <Scroll name={words.sitesTitle} tall>
        <table>
          <thead>
            <tr>
              <th scope="col">{words.name}</th>
              <th scope="col">{words.inSum}</th>
              <th scope="col">{words.lastRound}</th>
              <th scope="col">{words.signedUpTo}</th>
            </tr>
          </thead>
          <tbody>
            {sites.map(({ name, rounds, last, signed }) => (
              <tr key={name}>
                <td>{name}</td>
                <td>
                  {rounds} {words.of} {rows.length}
                </td>
                <td>{last.present ? words.present : <span lang="en">{last.why || '–'}</span>}</td>
                <td>
                  {signed} {words.of} {rows.length}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </section>
  )
}
