/** What left this browser: a line a contribution, from the receipts kept before each was sent. */

import { Scroll } from '../shared/scroll.tsx'
import { filled } from '../shared/words.ts'
import type { SectionProps } from './app.tsx'
import { bytesText } from './numbers.ts'
import { save } from './save.ts'
import { Section } from './section.tsx'

export function Receipts({ state: { receipts }, words }: SectionProps) {
  const { count, last, file } = receipts
  if (file === undefined)
    return (
      <Section title={words.receiptsTitle}>
        <p class="quiet">{words.receiptsNone}</p>
      </Section>
    )
  return (
    <Section title={words.receiptsTitle}>
      <p class="quiet">{filled(words.receiptsCount, { count: String(count) })}</p>
      <Scroll name={words.receiptsTitle}>
        <table>
          <thead>
            <tr>
              <th scope="col">{words.round}</th>
              <th scope="col">{words.purpose}</th>
              <th scope="col">{words.numbers}</th>
              <th scope="col">{words.size}</th>
              <th scope="col">SHA-256</th>
            </tr>
          </thead>
          <tbody>
            {last.map(({ round, purpose, lanes, bytes, sha256 }) => (
              <tr key={sha256}>
                <td>{round}</td>
                <td lang="en">{purpose}</td>
                <td>{lanes.reduce((sum, { length }) => sum + length, 0)}</td>
                <td>{bytesText(bytes)}</td>
                <td class="small">{sha256.slice(0, 12)}…</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      <div class="acts">
        <button type="button" onClick={() => save('receipts.json', file)}>
          {words.receiptsDownload}
        </button>
      </div>
    </Section>
  )
}
