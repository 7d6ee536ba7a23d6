import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../../ports/clock.ts'

/** The system's time, for tests of brokers. */
export function realClock(): Clock {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    sleep: (ms, signal) => sleep(ms, undefined, { ref: false, ...(signal && { signal }) }).catch(() => undefined),
    every(ms, task) {
      const timer = setInterval(task, ms)
      timer.unref()
      return () => clearInterval(timer)
    },
  }
}
