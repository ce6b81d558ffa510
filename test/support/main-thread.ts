/** How long the tasks of a page's main thread are, as Chromium's own trace has them. */

import type { Browser, Page } from 'playwright-core'
import * as z from 'zod'

const traceSchema = z.object({
  traceEvents: z.array(
    z.looseObject({
      name: z.string(),
      ph: z.string(),
      pid: z.number(),
      tid: z.number(),
      /** Microseconds by the clock, and of the processor. */
      dur: z.number().optional(),
      tdur: z.number().optional(),
      args: z.looseObject({ name: z.unknown() }).partial().optional(),
    }),
  ),
})

export interface MainThread {
  readonly tasks: number
  /** Milliseconds by the clock: a machine that is busy with others makes them longer. */
  readonly longest: number
  /** Milliseconds of the processor: what the page itself asks of it. */
  readonly longestOfProcessor: number
}

/** Of every page that is open while `act` goes on; what it does, the longest task counts. */
export async function mainThread(browser: Browser, page: Page, act: () => Promise<void>): Promise<MainThread> {
  await browser.startTracing(page, { categories: ['toplevel', 'disabled-by-default-devtools.timeline'] })
  let trace: z.infer<typeof traceSchema>
  try {
    await act()
  } finally {
    trace = traceSchema.parse(JSON.parse((await browser.stopTracing()).toString('utf8')))
  }
  const main = new Set(
    trace.traceEvents
      .filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain')
      .map(({ pid, tid }) => `${pid}/${tid}`),
  )
  const tasks = trace.traceEvents.filter(
    ({ name, ph, pid, tid }) => ph === 'X' && /RunTask$/.test(name) && main.has(`${pid}/${tid}`),
  )
  const longest = (of: 'dur' | 'tdur'): number => Math.max(0, ...tasks.map((task) => task[of] ?? 0)) / 1000
  return { tasks: tasks.length, longest: longest('dur'), longestOfProcessor: longest('tdur') }
}
