/** What every page has around it: its title, the choice of a language, and the build that it is. */

import type { ComponentChildren } from 'preact'
import type { Build } from './build.ts'
import { type Language, languageNames } from './language.ts'

export interface FrameProps {
  readonly title: string
  readonly language: Language
  readonly words: Readonly<Record<'language' | 'build' | 'buildStale' | 'buildJournalled' | 'buildOther', string>>
  /** The build that this page is of, once it is known. */
  readonly build: Build | undefined
  /** The build that the journal of the run in view names. */
  readonly journalled?: string | undefined
  readonly choose: (language: Language) => void
  readonly wide?: boolean
  readonly children: ComponentChildren
}

export function Frame({ title, language, words, build, journalled, choose, wide = false, children }: FrameProps) {
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
        <BuildLine {...{ build, journalled, words }} />
      </footer>
    </main>
  )
}

/** The build, and whether a run's journal names the same: what a site can hold against what the operator published. */
function BuildLine({ build, journalled, words }: Pick<FrameProps, 'build' | 'journalled' | 'words'>) {
  if (build === undefined) return null
  const said = build.stale
    ? words.buildStale
    : journalled === undefined
      ? undefined
      : journalled === build.hash
        ? words.buildJournalled
        : words.buildOther
  const bad = build.stale || (journalled !== undefined && journalled !== build.hash)
  return (
    <p class={bad ? 'notice' : ''} role={bad ? 'alert' : undefined}>
      {words.build} <code data-testid="build">{build.hash}</code>
      {said === undefined ? null : ` — ${said}`}
    </p>
  )
}
