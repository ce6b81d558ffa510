/** Starts the participant's page: its worker, its language, and the drawing of each state. */

import { render } from 'preact'
import { InputError } from '../../protocol/errors.ts'
import '../shared/theme.css'
import './join.css'
import { type Build, ownBuild } from '../shared/build.ts'
import { Frame } from '../shared/frame.tsx'
import { type Language, usualLanguage } from '../shared/language.ts'
import { languages } from '../shared/words.ts'
import { type Act, firstState, type PageState } from '../worker/page-state.ts'
import { App } from './app.tsx'
import { startWorker } from './start-worker.ts'

const root = document.querySelector('#app')
if (root === null) throw new Error('the page lacks its root')
// What is said where this code does not come.
root.replaceChildren()

let state: PageState = firstState
let language: Language = usualLanguage(navigator.languages)
let build: Build | undefined
const worker = startWorker()

const act = (wanted: Act): void => void worker.then((started) => started.postMessage(wanted), tell)

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
    <Frame title={words.title} {...{ language, words, build, choose }} journalled={state.pages}>
      <App state={state} words={words} act={act} />
    </Frame>,
    root,
  )
}

/** Without its worker the page can do nothing but say why. */
function tell(error: unknown): void {
  if (!(error instanceof InputError)) throw error
  state = { ...firstState, phase: 'broken', fault: { code: error.code, reason: error.message } }
  draw()
}

worker.then(
  (started) =>
    started.addEventListener('message', ({ data }: MessageEvent<PageState>) => {
      state = data
      draw()
    }),
  tell,
)
draw()
// The invitation stands behind the #; it is taken out of the address so that it is not left in the history.
const link = location.hash.length > 1 ? location.href : undefined
if (link !== undefined) history.replaceState(null, '', location.pathname)
act({ type: 'start', link })

build = await ownBuild(new URL('..', location.href), 'join/index.html')
draw()
