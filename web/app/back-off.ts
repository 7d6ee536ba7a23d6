/** Longest wait between two attempts, in ms. */
export const waitMaxMs = 30_000

/** Close codes from here on mean: do not come back on your own. */
const terminalFrom = 4500

/** What to do after a socket closed. */
export type Next =
  | { readonly kind: 'retry'; readonly waitMs: number }
  | { readonly kind: 'sign-in' }
  | { readonly kind: 'stop' }

export interface Closed {
  readonly code: number
  /** Attempts that failed one after another, 0 after a socket that lived. */
  readonly failures: number
  /** Range the server's `goaway` asked for. */
  readonly goawayMs: readonly [number, number] | undefined
  /** Uniform in `[0, 1)`. */
  readonly random: number
}

/**
 * Jittered back-off by close code: the server's own range after a `goaway`, a short one where only this socket was at
 * fault, a long one after a rate limit, else exponential with full jitter up to `waitMaxMs`.
 */
export function nextAfterClose(closed: Closed): Next {
  const { code, random, failures } = closed
  if (code === 4501 || code === 4503 || code === 4004) return { kind: 'sign-in' }
  if (code >= terminalFrom && code < 5000) return { kind: 'stop' }
  const [from, to] = closed.goawayMs ?? rangeMs(code, failures)
  return { kind: 'retry', waitMs: Math.min(waitMaxMs, Math.round(from + (to - from) * random)) }
}

function rangeMs(code: number, failures: number): readonly [number, number] {
  if (code === 4029) return [5000, 15_000]
  if (failures === 0 && code >= 4000) return [100, 1000]
  if (failures === 0 && code === 1001) return [500, 5000]
  return [250, Math.min(waitMaxMs, 1000 * 2 ** Math.min(failures, 10))]
}

/** What a close code means to the person in front of the screen. */
export function closeReason(code: number): string {
  return reasons.get(code) ?? (code >= terminalFrom ? `refused by the server (${code})` : 'connection lost')
}

const reasons = new Map([
  [1001, 'server restarting'],
  [4001, 'session renewed'],
  [4002, 'connection too slow'],
  [4003, 'heartbeat missed'],
  [4005, 'resynchronising'],
  [4029, 'too many requests'],
  [4502, 'protocol mismatch: reload the page'],
  [4504, 'too many connections'],
  [4505, 'message too large'],
])
