/** A model card as Markdown. */

import type { ModelCard } from './model-card.ts'
import { type Section, sectionsOf } from './sections.ts'

export function markdown(card: ModelCard): string {
  const head = [`# ${plain(card.name)}`, '', plain(card.description), '']
  return `${[...head, ...sectionsOf(card).flatMap(section)].join('\n').trimEnd()}\n`
}

function section(each: Section): string[] {
  const title = [`## ${each.title}`, '']
  if ('facts' in each) return [...title, ...each.facts.map(([name, text]) => `- **${name}:** ${plain(text)}`), '']
  if (each.rows.length === 0) return [...title, 'None.', '']
  const line = (cells: readonly string[]): string => `| ${cells.map(plain).join(' | ')} |`
  return [...title, line(each.heads), line(each.heads.map(() => '---')), ...each.rows.map(line), '']
}

/** Text of a plan or a peer must not become markup. */
const plain = (text: string): string => text.replace(/\s+/g, ' ').replace(/[\\`*_[\]<>|#]/g, (sign) => `\\${sign}`)
