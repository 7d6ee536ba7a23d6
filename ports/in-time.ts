import type { Clock } from './clock.ts'

/**
 * Waits for work, at most `ms`. What fails later is nobody's any more.
 * @returns Whether it ended in time.
 * @throws What the work threw in time.
 */
export async function inTime(clock: Clock, ms: number, work: Promise<unknown>): Promise<boolean> {
  const isOver = new AbortController()
  const late = clock.sleep(ms, isOver.signal).then(() => false)
  try {
    return await Promise.race([work.then(() => true), late])
  } finally {
    isOver.abort()
    work.catch(() => undefined)
  }
}
