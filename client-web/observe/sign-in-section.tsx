/** The way in: a token, typed or out of a link. */

import { useState } from 'preact/hooks'
import type { SectionProps } from './app.tsx'

export function SignInSection({ state: { phase }, words, act }: SectionProps) {
  const [token, setToken] = useState('')
  const ready = /^[0-9a-f]{64}$/.test(token.trim())
  const signIn = (event: Event): void => {
    event.preventDefault()
    if (ready) act({ type: 'sign-in', token: token.trim() })
  }
  return (
    <section>
      <h2>{words.signInTitle}</h2>
      <p class="quiet">{words.signInAdvice}</p>
      {phase === 'signing-in' ? <p role="status">{words.signingIn}</p> : null}
      <form onSubmit={signIn}>
        <label>
          <span>{words.token}</span>
          <input
            type="password"
            class="long"
            autocomplete="off"
            spellcheck={false}
            value={token}
            onInput={({ currentTarget }) => setToken(currentTarget.value)}
          />
        </label>
        <div class="acts">
          <button type="submit" class="main" disabled={!ready || phase === 'signing-in'}>
            {words.signIn}
          </button>
        </div>
      </form>
    </section>
  )
}
