/** Structured logs: one JSON object a line, of names, codes and sums; keys, tokens and results have no way in. */

import pino, { type Logger } from 'pino'
import { unreachable } from '../../protocol/errors.ts'
import type { RunEvent } from '../events.ts'
import type { Observer } from './observer.ts'

export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/** @param destination a file that is appended to; standard error where unset. */
export function openLog(level: LogLevel, destination: string | undefined): Logger {
  const stream = pino.destination({ dest: destination ?? 2, mkdir: true, append: true, sync: true })
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, stream)
}

export function logObserver(log: Logger): Observer {
  return {
    run: ({ id, name }, event) => {
      const { level, message, fields } = lineOf(event)
      log[level]({ run: id, plan: name, ...fields }, message)
    },
    close: async () => {
      await new Promise<void>((resolve) => log.flush(() => resolve()))
    },
  }
}

interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

/** Every field by name: what an event may carry tomorrow is not logged by accident. */
function lineOf(event: RunEvent): LogLine {
  switch (event.type) {
    case 'waiting':
      return {
        level: 'info',
        message: 'waiting for sites',
        fields: { present: event.present.length, missing: event.missing, needed: event.needed },
      }
    case 'formation': {
      const { mode, groups, honest } = event
      return { level: 'info', message: 'the run begins', fields: { mode, groups, honest } }
    }
    case 'assembled':
      return { level: 'info', message: 'the quorum is there', fields: { sites: event.sites } }
    case 'paused':
      return { level: 'info', message: 'the run is paused', fields: {} }
    case 'queued':
      return { level: 'info', message: 'the run is queued', fields: { before: event.before } }
    case 'joined':
      return { level: 'info', message: 'a site joined', fields: { site: event.site } }
    case 'declined':
    case 'left': {
      const { site, code, reason } = event
      return { level: 'warn', message: `a site ${event.type}`, fields: { site, code, reason } }
    }
    case 'precision':
      return { level: 'info', message: 'precision of the sums', fields: { precision: event.text } }
    case 'phase':
      return {
        level: 'debug',
        message: `phase ${event.phase}`,
        fields: { round: event.round, phase: event.phase, sites: event.sites },
      }
    case 'round': {
      const { round, purpose, absent, seconds, bytesUp, bytesDown, stateHash } = event
      return {
        level: 'info',
        message: 'round committed',
        fields: { round, purpose, sites: event.sites.length, absent, seconds, bytesUp, bytesDown, stateHash },
      }
    }
    case 'retry': {
      const { round, code, reason, seconds } = event
      return { level: 'warn', message: 'a round is tried again', fields: { round, code, reason, seconds } }
    }
    case 'finished':
      return { level: 'info', message: 'run finished', fields: { rounds: event.rounds, modelHash: event.modelHash } }
    case 'failed':
      return { level: 'error', message: 'run failed', fields: { code: event.code, reason: event.reason } }
    default:
      return unreachable(event)
  }
}
