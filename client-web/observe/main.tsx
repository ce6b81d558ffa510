/** Starts the observer's page: its token, its language, the run its address names, and the drawing of each state. */

import { render } from 'preact'
import '../shared/theme.css'
import { type Build, ownBuild } from '../shared/build.ts'
import { Frame } from '../shared/frame.tsx'
import { type Language, usualLanguage } from '../shared/language.ts'
import { App } from './app.tsx'
import { startObserver } from './observer.ts'
import { firstState } from './state.ts'
import { languages } from './words.ts'

const root = document.querySelector('#app')
if (root === null) throw new Error('the page lacks its root')
// What is said where this code does not come.
root.replaceChildren()

const kept = 'concordat.token'
let state = firstState
let language: Language = usualLanguage(navigator.languages)
let build: Build | undefined
let waiting = false

/** Once a frame, however many events come: a run of hundreds of rounds is told at once. */
function draw(): void {
  if (waiting) return
  waiting = true
  requestAnimationFrame(() => {
    waiting = false
    drawNow()
  })
}

function drawNow(): void {
  if (root === null) return
  const words = languages[language]
  document.documentElement.lang = language
  document.title = `Concordat — ${words.title}`
  const choose = (chosen: Language): void => {
    language = chosen
    draw()
  }
  render(
    <Frame title={words.title} {...{ language, words, build, choose }} journalled={state.run?.journal?.pages} wide>
      <App {...{ state, words, language, act }} />
    </Frame>,
    root,
  )
}

const act = startObserver({
  base: new URL('.', location.href),
  show: (next) => {
    state = next
    draw()
  },
  keep: (token) => (token === undefined ? sessionStorage.removeItem(kept) : sessionStorage.setItem(kept, token)),
})

/** Behind the # stands a run, or the token of a link; a token is taken out of the address and out of the history. */
function readAddress(): void {
  const [, token, run] = /^#(?:([0-9a-f]{64})|([0-9a-f]{16}))$/.exec(location.hash) ?? []
  if (token !== undefined) {
    history.replaceState(null, '', location.pathname)
    act({ type: 'sign-in', token })
  } else act({ type: 'open', id: run })
}

draw()
addEventListener('hashchange', readAddress)
readAddress()
const token = sessionStorage.getItem(kept)
if (state.phase === 'signed-out' && token !== null) act({ type: 'sign-in', token })

build = await ownBuild(new URL('.', location.href), 'index.html')
draw()
