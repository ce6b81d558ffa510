/** The one state of the page: every change is posted whole, and the page draws it. */

import { InputError, ProtocolError } from '../../protocol/errors.ts'
import { firstState, type PageState } from './page-state.ts'

let state: PageState = firstState

export const shown = (): PageState => state

export function show(change: Partial<PageState>): void {
  state = { ...state, ...change }
  self.postMessage(state)
}

/** What a person or a peer did wrong is shown; a fault of ours ends in the console. */
export function tell(error: unknown): void {
  if (!(error instanceof InputError || error instanceof ProtocolError)) throw error
  show({ fault: { code: error.code, reason: error.message } })
}
