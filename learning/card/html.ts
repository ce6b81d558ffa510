/** A model card as one self-contained page: no script, no request; light, dark, narrow, wide and in print. */

import { escaped } from './escaped.ts'
import type { ModelCard } from './model-card.ts'
import { type Section, sectionsOf } from './sections.ts'

const style = `
:root { --ink: #1b1f24; --quiet: #56606b; --paper: #fbfbfa; --card: #fff; --line: #dfe2e6; --accent: #0b6e5f }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e7eaee; --quiet: #a3adb8; --paper: #14171a; --card: #1b1f24; --line: #323941; --accent: #4cc7b0 }
}
* { box-sizing: border-box }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 56rem; background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif }
h1 { margin: 0; font-size: 1.9rem; line-height: 1.2; overflow-wrap: anywhere }
h2 { margin: 2.25rem 0 .5rem; font-size: 1.15rem }
.kind { margin: 0; color: var(--quiet); font-size: .85rem }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(8rem, 1fr)); gap: .75rem; margin: 1.5rem 0 }
.tile { display: flex; flex-direction: column; padding: .9rem 1rem; background: var(--card); border: 1px solid var(--line); border-radius: .5rem; color: var(--quiet); font-size: .9rem }
.tile strong { color: var(--accent); font-size: 1.6rem; font-weight: 600; line-height: 1.3; font-variant-numeric: tabular-nums }
dl { display: grid; grid-template-columns: minmax(8rem, max-content) 1fr; gap: .35rem 1.25rem; margin: 0 }
dt { color: var(--quiet) } dd { margin: 0; overflow-wrap: anywhere }
.scroll { overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { padding: .35rem 1rem .35rem 0; border-bottom: 1px solid var(--line); text-align: left; font-weight: 400; vertical-align: top }
thead th { color: var(--quiet); font-size: .85rem }
td:last-child { min-width: 9rem }
@media (max-width: 34rem) { dl { grid-template-columns: 1fr; gap: 0 } dd { margin-bottom: .6rem } }
@media print { :root { --ink: #000; --quiet: #444; --paper: #fff; --card: #fff; --line: #bbb; --accent: #0b6e5f } body { padding: 0 } }
`

export function html(card: ModelCard): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(card.name)} – model card</title>
<style>${style}</style>
</head>
<body>
<header>
<p class="kind">Concordat model card</p>
<h1>${escaped(card.name)}</h1>
<p>${escaped(card.description)}</p>
</header>
<main>
<div class="tiles">
${tiles(card)
  .map(([value, name]) => `<div class="tile"><strong>${escaped(value)}</strong>${escaped(name)}</div>`)
  .join('\n')}
</div>
${sectionsOf(card).map(section).join('\n')}
</main>
</body>
</html>
`
}

/** What most readers come for. */
function tiles({ sites, rounds, privacy, metrics }: ModelCard): [string, string][] {
  const main = metrics.find(({ low }) => low !== null) ?? metrics[0]
  const there = sites.filter((site) => site.rounds > 0).length
  return [
    ...(main === undefined ? [] : [[main.value.toFixed(3), `${main.name} on unseen rows`] satisfies [string, string]]),
    [
      privacy.epsilon === null ? 'none' : privacy.epsilon.toFixed(2),
      privacy.unit === null ? 'bound on privacy' : `epsilon for each ${privacy.unit}`,
    ],
    [`${there} of ${sites.length}`, 'sites took part'],
    [String(rounds), 'rounds'],
  ]
}

function section(each: Section): string {
  const title = `<section><h2>${escaped(each.title)}</h2>`
  if ('facts' in each)
    return `${title}<dl>${each.facts.map(([name, text]) => `<dt>${escaped(name)}</dt><dd>${escaped(text)}</dd>`).join('')}</dl></section>`
  if (each.rows.length === 0) return `${title}<p>None.</p></section>`
  const heads = each.heads.map((head) => `<th scope="col">${escaped(head)}</th>`).join('')
  const rows = each.rows.map(
    ([first, ...rest]) =>
      `<tr><th scope="row">${escaped(first)}</th>${rest.map((cell) => `<td>${escaped(cell)}</td>`).join('')}</tr>`,
  )
  return `${title}<div class="scroll"><table><thead><tr>${heads}</tr></thead><tbody>${rows.join('\n')}</tbody></table></div></section>`
}
