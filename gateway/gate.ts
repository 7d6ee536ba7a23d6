import { TransientError } from '../schemas/errors.ts'

/** Runs a task when one of the places is free, in order of asking. */
export type Gate = <T>(task: () => Promise<T>) => Promise<T>

/**
 * At most `runningMax` tasks at once; at most `waitingMax` wait.
 *
 * @throws {TransientError} `GATEWAY_BUSY` for one task more.
 */
export function createGate(runningMax: number, waitingMax: number): Gate {
  const waiting: (() => void)[] = []
  let running = 0
  return async (task) => {
    if (running >= runningMax) {
      if (waiting.length >= waitingMax)
        throw new TransientError({ code: 'GATEWAY_BUSY', message: `${waiting.length} reads wait already` })
      await new Promise<void>((resolve) => waiting.push(resolve))
    } else running++
    try {
      return await task()
    } finally {
      const next = waiting.shift()
      if (next === undefined) running--
      else next()
    }
  }
}
