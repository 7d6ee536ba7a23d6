import { FatalError } from '../../../schemas/errors.ts'

/** Whether something has been silent for long, by a clock that only moves on. */
export interface IdleTimer {
  activity(): void
  /** A look that finds activity says no; silence counts from the next. No clock is read when something happens. */
  isIdle(now: number): boolean
}

/**
 * @param timeoutMs Silence longer than this is idleness, > 0.
 * @throws {FatalError} `BAD_IDLE_TIMEOUT`.
 */
export function createIdleTimer(timeoutMs: number): IdleTimer {
  if (!Number.isSafeInteger(timeoutMs) || timeoutMs <= 0)
    throw new FatalError({
      code: 'BAD_IDLE_TIMEOUT',
      message: `an idle timeout is a whole number of ms > 0, was ${timeoutMs}`,
      exitCode: 78,
    })
  let wasActive = false
  let silentSince: number | undefined
  return {
    activity() {
      wasActive = true
    },
    isIdle(now) {
      if (wasActive) {
        wasActive = false
        silentSince = undefined
        return false
      }
      silentSince ??= now
      return now - silentSince > timeoutMs
    },
  }
}
