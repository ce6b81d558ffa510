/** An agent as `concordat site` runs it, whose trainings but the first wait until the process is sent SIGUSR2; its heart beats on. */

import { once } from 'node:events'
import { runAgent } from '../../client-node/agent.ts'
import { readSiteConfig } from '../../client-node/config.ts'
import { chooseTrainer } from '../../learning/engine/choose.ts'
import type { TrainerFactory } from '../../learning/engine/trainer.ts'

const letGo = once(process, 'SIGUSR2')
let trainings = 0

const trainer: TrainerFactory = async (model, wishes) => {
  const inner = await chooseTrainer()(model, wishes)
  return {
    ...{ backend: inner.backend, parameterCount: inner.parameterCount },
    initial: (stream) => inner.initial(stream),
    train: async (...given) => {
      if (++trainings > 1) await letGo
      return inner.train(...given)
    },
    predict: (...given) => inner.predict(...given),
    dispose: () => inner.dispose(),
  }
}

const stop = new AbortController()
process.once('SIGTERM', () => stop.abort())
await runAgent({
  ...{ config: await readSiteConfig({}, process.argv[2]), trainer, signal: stop.signal },
  report: (event) => console.log(JSON.stringify(event)),
})
