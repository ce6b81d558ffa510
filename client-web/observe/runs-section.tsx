/** All runs, the newest first, each a link to itself. */

import { Scroll } from '../shared/scroll.tsx'
import type { SectionProps } from './app.tsx'
import { instant } from './format.ts'

export function RunsSection({ state: { runs, run }, words, language }: SectionProps) {
  return (
    <section>
      <h2>{words.runsTitle}</h2>
      {runs === undefined ? (
        <p role="status">{words.loading}</p>
      ) : runs.length === 0 ? (
        <p class="quiet">{words.runsNone}</p>
      ) : (
        <Scroll name={words.runsTitle}>
          <table>
            <thead>
              <tr>
                <th scope="col">{words.name}</th>
                <th scope="col">{words.status}</th>
                <th scope="col">{words.submitted}</th>
              </tr>
            </thead>
            <tbody>
              {runs.toReversed().map(({ id, name, status, submitted }) => (
                <tr key={id}>
                  <td>
                    <a href={`#${id}`} {...(run?.id === id && { 'aria-current': 'true' as const })}>
                      {name}
                    </a>
                  </td>
                  <td>
                    <span class={`status ${status}`}>{words[status]}</span>
                  </td>
                  <td class="quiet">{instant(submitted, language)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </section>
  )
}
