/** The frame of every report: one self-contained page, no script, no request; what comes from outside is text, never markup. */

import { escaped } from '../../learning/card/escaped.ts'
import { style } from './style.ts'

export interface Title {
  readonly kind: string
  readonly name: string
  readonly description: string
}

export const page = ({ kind, name, description }: Title, body: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(name)} – Concordat</title>
<style>${style}</style>
</head>
<body>
<header>
<p class="kind">${escaped(kind)}</p>
<h1>${escaped(name)}</h1>
<p>${escaped(description)}</p>
</header>
<main>
${body}
</main>
</body>
</html>
`

export const figure = (title: string, caption: string, svg: string): string =>
  `<figure><figcaption><strong>${title}</strong><span>${caption}</span></figcaption>${svg}</figure>`

/** Cells are markup already; the first of a row is its head. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const body = rows.map(
    ([first, ...cells]) => `<tr><th scope="row">${first}</th>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`,
  )
  return `<div class="scroll"><table><thead><tr>${head.map((name) => `<th scope="col">${name}</th>`).join('')}</tr></thead>
<tbody>
${body.join('\n')}
</tbody></table></div>`
}
