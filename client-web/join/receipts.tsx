/** What left this browser: a line a contribution, from the receipts kept before each was sent. */

import { Scroll } from '../shared/scroll.tsx'
import type { SectionProps } from './app.tsx'
import { save } from './save.ts'

export function Receipts({ state: { receipts }, words }: SectionProps) {
  return (
    <section>
      <h2>{words.receiptsTitle}</h2>
      {receipts.length === 0 ? (
        <p class="quiet">{words.receiptsNone}</p>
      ) : (
        <>
          <Scroll name={words.receiptsTitle}>
            <table>
              <thead>
                <tr>
                  <th scope="col">{words.round}</th>
                  <th scope="col">{words.purpose}</th>
                  <th scope="col">{words.numbers}</th>
                  <th scope="col">{words.bytes}</th>
                  <th scope="col">SHA-256</th>
                </tr>
              </thead>
              <tbody>
                {receipts.slice(-6).map(({ round, purpose, lanes, bytes, sha256 }) => (
                  <tr key={sha256}>
                    <td>{round}</td>
                    <td>{purpose}</td>
                    <td>{lanes.reduce((sum, { length }) => sum + length, 0)}</td>
                    <td>{bytes}</td>
                    <td class="small">{sha256.slice(0, 12)}…</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </Scroll>
          <div class="acts">
            <button type="button" onClick={() => save('receipts.json', receipts)}>
              {words.receiptsDownload}
            </button>
          </div>
        </>
      )}
    </section>
  )
}
