import type { Clock } from '../../ports/clock.ts'
import { invariant } from '../../schemas/errors.ts'

/** Waits shorter than this are taken later, as one. */
const shortestWaitMs = 10
/** A timer's longest wait; a longer pause is several. */
const longestSleepMs = 60_000

interface ReplayPace {
  /** Ms to wait before an event of this time is written; 0 for none. */
  waitMs(eventTime: number): number
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

/**
 * Spaces events by their times, from the first one seen.
 *
 * @param speed  Event time over real time, > 0; `max` never waits.
 */
export function createReplayPace(speed: number | 'max', clock: Clock): ReplayPace {
  invariant(speed === 'max' || speed > 0, () => `A replay's speed is > 0 or max, was ${speed}`)
  let firstEvent = Number.NaN
  let startedAt = 0
  return {
    waitMs(eventTime) {
      if (speed === 'max' || !Number.isFinite(eventTime)) return 0
      if (Number.isNaN(firstEvent)) {
        firstEvent = eventTime
        startedAt = clock.monotonic()
      }
      const waitMs = startedAt + (eventTime - firstEvent) / speed - clock.monotonic()
      return waitMs < shortestWaitMs ? 0 : waitMs
    },
    async sleep(ms, signal) {
      for (let left = ms; left > 0 && !signal.aborted; left -= longestSleepMs) {
        await clock.sleep(Math.min(left, longestSleepMs), signal)
      }
    },
  }
}
