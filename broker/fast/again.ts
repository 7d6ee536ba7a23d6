import type { Clock } from '../../ports/clock.ts'
import { TransientError } from '../../schemas/errors.ts'

/** Tries of one call: about 3 s where nothing listens. */
const triesMax = 6
const againMsMin = 100
const againMsMax = 2_000

/** Time may mend these; of other errors the caller must know first. */
const passing = new Set(['BROKER_UNREACHABLE', 'BROKER_TROUBLE'])

/**
 * Repeats what fails for a while.
 *
 * @param isOver  Nothing is tried again once it says so.
 */
export async function again<Result>(
  clock: Clock,
  isOver: () => boolean,
  task: (round: number) => Promise<Result>,
): Promise<Result> {
  let pauseMs = againMsMin
  for (let round = 0; ; round++) {
    try {
      return await task(round)
    } catch (error) {
      if (!(error instanceof TransientError && passing.has(error.code))) throw error
      if (round + 1 === triesMax || isOver()) throw error
    }
    await clock.sleep(pauseMs)
    pauseMs = Math.min(2 * pauseMs, againMsMax)
  }
}
