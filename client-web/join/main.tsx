/** Starts the participant's page: its worker, its language, and the drawing of each state. */

import { render } from 'preact'
import '../shared/theme.css'
import { type Language, languages, usualLanguage } from '../shared/words.ts'
import { type Act, firstState, type PageState } from '../worker/page-state.ts'
import { App } from './app.tsx'
import { startWorker } from './start-worker.ts'

const root = document.querySelector('#app')
if (root === null) throw new Error('the page lacks its root')

let state: PageState = firstState
let language: Language = usualLanguage(navigator.languages)
let build: string | undefined
const worker = startWorker()

const act = (wanted: Act): void => worker.postMessage(wanted)

function draw(): void {
  if (root === null) return
  const words = languages[language]
  document.documentElement.lang = language
  document.title = `Concordat — ${words.title}`
  const choose = (event: Event): void => {
    if (!(event.currentTarget instanceof HTMLSelectElement)) return
    language = event.currentTarget.value === 'zh' ? 'zh' : 'en'
    draw()
  }
  render(
    <main>
      <header class="top">
        <h1>{words.title}</h1>
        <label class="small">
          <span class="quiet">{words.language} </span>
          <select value={language} onChange={choose}>
            <option value="en">English</option>
            <option value="zh">中文</option>
          </select>
        </label>
      </header>
      <App state={state} words={words} act={act} />
      <footer class="quiet small">
        {build === undefined ? null : (
          <span>
            {words.build} <code>{build.slice(0, 16)}</code>
          </span>
        )}
      </footer>
    </main>,
    root,
  )
}

worker.addEventListener('message', ({ data }: MessageEvent<PageState>) => {
  state = data
  draw()
})
draw()
// The invitation stands behind the #; it is taken out of the address so that it is not left in the history.
const link = location.hash.length > 1 ? location.href : undefined
if (link !== undefined) history.replaceState(null, '', location.pathname)
act({ type: 'start', link })

// The hash of all files of this build, as the coordinator serves and journals it.
const answer: unknown = await fetch(new URL('../build.json', location.href)).then((response) => response.json())
if (typeof answer === 'object' && answer !== null && 'hash' in answer) build = String(answer.hash)
draw()
