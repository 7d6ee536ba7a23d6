/** Time and timers, so that tests and simulations can move them. */
export interface Clock {
  /** Epoch ms. */
  now(): number
  /** Ms that never go back, from an arbitrary start. */
  monotonic(): number
  /** Resolves after `ms`, or at once when `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Calls `task` each `ms` until the returned function is called; a slow task delays the next. */
  every(ms: number, task: () => void): () => void
}
