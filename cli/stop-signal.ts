import { exitCodes, FatalError } from '../schemas/errors.ts'
import { tellFailure } from './failure.ts'

/** Signals within this time of the first are the same request: npm and the terminal both deliver it. */
const sameRequestMs = 1000
/** A stop that takes longer ends the process all the same. */
const stopMsMax = 10_000

function endSlowStop(): never {
  const slow = new FatalError({
    code: 'STOP_SLOW',
    message: `the stop took longer than ${stopMsMax / 1000} s, and was cut off`,
    why: 'a service did not answer in time',
    hint: 'start again: what was committed stands, and the rest is read once more',
  })
  process.exit(tellFailure(slow, { isVerbose: false, isJson: process.argv.includes('--json') }))
}

/** Aborted by the first SIGINT or SIGTERM; a second request, more than a second later, ends the process at once. */
export function stopSignal(): AbortSignal {
  const stop = new AbortController()
  let firstAt = 0
  const onSignal = (): void => {
    const now = performance.now()
    if (firstAt === 0) {
      firstAt = now
      setTimeout(endSlowStop, stopMsMax).unref()
      stop.abort()
    } else if (now - firstAt > sameRequestMs) process.exit(exitCodes.failure)
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  return stop.signal
}
