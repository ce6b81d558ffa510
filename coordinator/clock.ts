/** Time as a port: the coordinator waits by it, and a simulation or a test hands in its own. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Settles after `milliseconds`, or early when `signal` aborts. */
  wait(milliseconds: number, signal: AbortSignal): Promise<void>
}
