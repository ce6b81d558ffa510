/** The hands of a simulation: worker threads, or the calling thread itself for work that is done before a thread has started. */

import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { Report } from '../../learning/algorithms/evaluation.ts'
import type { TrainerFactory } from '../../learning/engine/trainer.ts'
import { errorCode, InputError, ProtocolError } from '../../protocol/errors.ts'
import { Hand } from './hand.ts'
import type {
  BaselineTask,
  FromWorker,
  JudgeTask,
  RoundPart,
  RoundTask,
  Setting,
  ToWorker,
  WorkerFault,
} from './tasks.ts'

export interface Pool {
  /** How many work at once. */
  readonly size: number
  /** What the next rounds are about. */
  open(setting: Setting): Promise<void>
  /** All hands take sites of the round until none is left; the parts add up to the round, whoever did what. */
  round(task: RoundTask): Promise<readonly RoundPart[]>
  /** One report a task, in the tasks' order. */
  baselines(tasks: readonly BaselineTask[]): Promise<readonly Report[]>
  judge(task: JudgeTask): Promise<Report>
  close(): Promise<void>
}

/** @param workers threads; 0 works in the calling one. */
export const openPool = (workers: number): Pool => (workers === 0 ? localPool() : new WorkerPool(workers))

/** In this thread, on a trainer that may be handed in. */
export function localPool(trainer?: TrainerFactory): Pool {
  let hand: Hand | undefined
  const opened = (): Hand => {
    if (hand === undefined) throw new Error('work before the setting')
    return hand
  }
  return {
    size: 1,
    open: async (setting) => {
      hand = new Hand(setting, trainer)
    },
    round: async (task) => [await opened().round(task)],
    baselines: async (tasks) => {
      const reports: Report[] = []
      for (const task of tasks) reports.push(await opened().baseline(task))
      return reports
    },
    judge: (task) => opened().judge(task),
    close: async () => {},
  }
}

/** In development the sources are TypeScript, which a thread cannot load: it runs what was built of them. */
const workerFile = import.meta.url.endsWith('.ts')
  ? new URL('../../dist/simulations/runner/worker.js', import.meta.url)
  : new URL('./worker.js', import.meta.url)

class WorkerPool implements Pool {
  readonly size: number
  readonly #workers: readonly Worker[]

  constructor(size: number) {
    this.size = size
    this.#workers = Array.from({ length: size }, () => new Worker(workerFile))
  }

  async open(setting: Setting): Promise<void> {
    await this.#all({ type: 'open', setting })
  }

  async round(task: RoundTask): Promise<readonly RoundPart[]> {
    const replies = await this.#all({ type: 'round', task })
    return replies.flatMap((reply) => (reply.type === 'round' ? [reply.part] : []))
  }

  async baselines(tasks: readonly BaselineTask[]): Promise<readonly Report[]> {
    const reports: Report[] = []
    let next = 0
    await Promise.all(
      this.#workers.map(async (worker) => {
        while (next < tasks.length) {
          const mine = next++
          reports[mine] = await reportOf(worker, { type: 'baseline', task: tasks[mine] })
        }
      }),
    )
    return reports
  }

  judge(task: JudgeTask): Promise<Report> {
    return reportOf(this.#workers[0], { type: 'judge', task })
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()))
  }

  #all(message: ToWorker): Promise<FromWorker[]> {
    return Promise.all(this.#workers.map((worker) => ask(worker, message)))
  }
}

async function reportOf(worker: Worker, message: ToWorker): Promise<Report> {
  const reply = await ask(worker, message)
  if (reply.type !== 'report') throw new Error(`expected a report, found ${reply.type}`)
  return reply.report
}

async function ask(worker: Worker, message: ToWorker): Promise<FromWorker> {
  worker.postMessage(message)
  const [reply]: FromWorker[] = await once(worker, 'message')
  if (reply.type === 'failed') throw revived(reply.error)
  return reply
}

/** A person's mistake stays one on its way between threads. */
function revived({ name, message, code, stack }: WorkerFault): Error {
  if (name === 'InputError' && code !== undefined) return new InputError(errorCode(code), message)
  if (name === 'ProtocolError' && code !== undefined) return new ProtocolError(errorCode(code), message)
  return Object.assign(new Error(message), { stack })
}
