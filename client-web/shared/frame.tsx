/** What every page has around it: its title, the choice of a language, and the build that it is. */

import type { ComponentChildren } from 'preact'
import { type Language, languageNames } from './language.ts'

export interface FrameProps {
  readonly title: string
  readonly language: Language
  readonly words: { readonly language: string; readonly build: string }
  /** The hash of all files of this build, once it is known. */
  readonly build: string | undefined
  readonly choose: (language: Language) => void
  readonly wide?: boolean
  readonly children: ComponentChildren
}

export function Frame({ title, language, words, build, choose, wide = false, children }: FrameProps) {
  const chosen = (event: Event): void => {
    if (event.currentTarget instanceof HTMLSelectElement) choose(event.currentTarget.value === 'zh' ? 'zh' : 'en')
  }
  return (
    <main class={wide ? 'wide' : ''}>
      <header class="top">
        <h1>{title}</h1>
        <label class="small">
          <span class="quiet">{words.language} </span>
          <select value={language} onChange={chosen}>
            {Object.entries(languageNames).map(([tag, name]) => (
              <option key={tag} value={tag}>
                {name}
              </option>
            ))}
          </select>
        </label>
      </header>
      {children}
      <footer class="quiet small">
        {build === undefined ? null : (
          <span>
            {words.build} <code>{build.slice(0, 16)}</code>
          </span>
        )}
      </footer>
    </main>
  )
}

/** The hash of all files of this build, as the coordinator serves and journals it. */
export async function fetchBuild(page: URL): Promise<string | undefined> {
  const answer: unknown = await fetch(page)
    .then((response) => response.json())
    .catch(() => undefined)
  return typeof answer === 'object' && answer !== null && 'hash' in answer ? String(answer.hash) : undefined
}
