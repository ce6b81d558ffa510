/** Starts the participant's page: its worker, its language, and the drawing of each state. */

import { render } from 'preact'
import '../shared/theme.css'
import { Frame, fetchBuild } from '../shared/frame.tsx'
import { type Language, usualLanguage } from '../shared/language.ts'
import { languages } from '../shared/words.ts'
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
  const choose = (chosen: Language): void => {
    language = chosen
    draw()
  }
  render(
    <Frame title={words.title} {...{ language, words, build, choose }}>
      <App state={state} words={words} act={act} />
    </Frame>,
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

build = await fetchBuild(new URL('../build.json', location.href))
draw()
