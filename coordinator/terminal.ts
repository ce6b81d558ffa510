/** A run on the terminal: one line a round, and a line for whatever a person should know. */

import { unreachable } from '../protocol/errors.ts'
import type { RoundEvent, RunEvent } from './events.ts'

/** @returns the line for an event, or `undefined` where there is nothing to say. */
export function lineFor(event: RunEvent): string | undefined {
  switch (event.type) {
    case 'formation':
      return `secure sum in ${event.mode} mode${event.groups > 1 ? `, ${event.groups} groups` : ''}: at least ${event.honest} honest contributions in any sum that can be opened`
    case 'precision':
      return event.text
    case 'waiting':
      return `waiting for sites: ${event.present.length} of ${event.present.length + event.missing.length} here, ${event.needed} needed${event.missing.length > 0 ? `; missing ${event.missing.join(', ')}` : ''}`
    case 'assembled':
      return `${event.sites} sites are here, the rounds go on`
    case 'paused':
      return 'paused; "concordat runs resume ID" lets it go on'
    case 'queued':
      return event.before === 0 ? undefined : `queued behind ${event.before} runs`
    case 'joined':
      return `${event.site} joined`
    case 'declined':
      return `${event.site} declined: ${event.code} ${event.reason}`
    case 'left':
      return `${event.site} left: ${event.code} ${event.reason}`
    case 'phase':
      return undefined
    case 'round':
      return roundLine(event)
    case 'retry':
      return `round ${event.round} is tried again in ${event.seconds} s: ${event.code} ${event.reason}`
    case 'finished':
      return `finished after ${event.rounds} rounds, model ${event.modelHash.slice(0, 16)}${metricsText(event.metrics)}`
    case 'failed':
      return `the run failed: ${event.code} ${event.reason}`
    default:
      return unreachable(event)
  }
}

function roundLine(event: RoundEvent): string {
  const absent = event.absent.map(({ site, code }) => `${site} absent (${code})`)
  const head = `round ${String(event.round).padStart(3)}  ${event.purpose.padEnd(27)} ${event.sites.length} sites${metricsText(event.metrics)}`
  return `${head}  ${event.seconds.toFixed(2)} s  ${bytes(event.bytesUp)} up${absent.length > 0 ? `  ${absent.join(', ')}` : ''}`
}

/** What a person follows a training by; of other computations the first few numbers. */
const followed = ['trainingLoss', 'loss', 'auc', 'accuracy']

function metricsText(metrics: Readonly<Record<string, number>>): string {
  const known = followed.filter((name) => Object.hasOwn(metrics, name))
  return (known.length > 0 ? known : Object.keys(metrics).slice(0, 4))
    .map((name) => [name, metrics[name]] as const)
    .map(([name, value]) => `  ${name} ${Number.isInteger(value) ? value : value.toFixed(4)}`)
    .join('')
}

function bytes(count: number): string {
  if (count < 10_000) return `${count} B`
  return count < 10_000_000 ? `${(count / 1000).toFixed(0)} kB` : `${(count / 1_000_000).toFixed(0)} MB`
}
