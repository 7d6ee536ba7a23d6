import { exitCodes } from '../schemas/errors.ts'

/** Signals within this time of the first are the same request: npm and the terminal both deliver it. */
const sameRequestMs = 1000
/** A stop that takes longer ends the process all the same. */
const stopMsMax = 10_000

/** Aborted by the first SIGINT or SIGTERM; a second request, more than a second later, ends the process at once. */
export function stopSignal(): AbortSignal {
  const stop = new AbortController()
  let firstAt = 0
  const onSignal = (): void => {
    const now = performance.now()
    if (firstAt === 0) {
      firstAt = now
      setTimeout(() => process.exit(exitCodes.failure), stopMsMax).unref()
      stop.abort()
    } else if (now - firstAt > sameRequestMs) process.exit(exitCodes.failure)
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  return stop.signal
}
