import { createTimeHeap } from '../../processors/core/windows/time-heap.ts'

/** Time that moves only from one timer to the next. What the program does at one instant is done before the next. */
export interface VirtualTime {
  /** Epoch ms. */
  now(): number
  /** Calls `task` at a time; one that is over is now. @returns What cancels it. */
  at(time: number, task: () => void): () => void
  sleep(ms: number): Promise<void>
  /**
   * Goes on until the condition holds.
   *
   * @param limit Epoch ms.
   * @returns Whether it came to hold before that time.
   */
  runUntil(isDone: () => boolean, limit: number): Promise<boolean>
}

interface Timer {
  /** Timers of one instant come in the order in which they were set. */
  readonly number: number
  readonly time: number
  task: (() => void) | undefined
}

/** Ticks come when no microtask is left; nothing else of a simulation is asynchronous. */
const settled = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve))

export function createVirtualTime(start: number): VirtualTime {
  const timers = createTimeHeap<Timer>((a, b) => a.number < b.number)
  let now = start
  let count = 0

  const at = (time: number, task: () => void): (() => void) => {
    const timer: Timer = { number: count++, time: Math.max(now, Math.ceil(time)), task }
    timers.push(timer.time, timer)
    return () => {
      timer.task = undefined
    }
  }
  return {
    now: () => now,
    at,
    sleep: (ms) => new Promise((resolve) => void at(now + ms, resolve)),
    async runUntil(isDone, limit) {
      await settled()
      while (!isDone()) {
        const timer = timers.popUntil(limit)
        if (timer === undefined) {
          now = limit
          return false
        }
        if (timer.task === undefined) continue
        now = timer.time
        timer.task()
        await settled()
      }
      return true
    },
  }
}
