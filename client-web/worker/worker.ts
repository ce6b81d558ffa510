/** The worker of the participant's page: it holds key, file and run, and does what a person asks for, one file an errand. */

import './late-imports.ts'
import { unreachable } from '../../protocol/errors.ts'
import { alone } from './alone.ts'
import { acceptRoster, enrol, goOn, openHome, setRules } from './enrolling.ts'
import type { Home } from './home.ts'
import { applyModel, foretell } from './model.ts'
import { type Act, firstState } from './page-state.ts'
import { choose, map } from './records.ts'
import { decide, leave, pause, resume } from './run.ts'
import { show, tell } from './showing.ts'

let home: Home | undefined

self.addEventListener('message', ({ data }: MessageEvent<Act>) => {
  show({ fault: undefined })
  doAct(data).catch(tell)
})

async function doAct(act: Act): Promise<void> {
  switch (act.type) {
    case 'start':
      await alone(() => show({ phase: 'elsewhere' }))
      home = await openHome(act.link)
      return home && goOn(home)
    case 'apply':
      return enrol(opened())
    case 'choose':
      return choose(opened(), act.picked, act.remember)
    case 'map':
      return map(opened(), act.mapping)
    case 'rules':
      return setRules(opened(), act.rules)
    case 'accept':
      return acceptRoster(opened())
    case 'approve':
      return decide(opened(), 'approved')
    case 'decline':
      return decide(opened(), 'refused')
    case 'pause':
      return pause(opened())
    case 'resume':
      return resume(opened())
    case 'leave':
      return leave(opened(), act.reason)
    case 'predict':
      return applyModel(opened(), act.picked)
    case 'forecast':
      return foretell(opened(), act.values)
    case 'forget':
      return forget(opened())
    default:
      return unreachable(act)
  }
}

function opened(): Home {
  if (home === undefined) throw new Error('an act before the page was started')
  return home
}

async function forget({ agent, store }: Home): Promise<void> {
  agent?.stop()
  await store.clear()
  home = undefined
  show({ ...firstState, phase: 'uninvited' })
}
