import type { Clock } from '../ports/clock.ts'
import type { BatchDecoder, SourceBatch } from '../schemas/batch-decoder.ts'
import { TransientError } from '../schemas/errors.ts'

const retryMsMin = 100
const retryMsMax = 5_000
const doublingsMax = 16

/**
 * Resolves the schema that a decoder wants; while the registry is down, each call waits longer, up to 5 s.
 * The call resolves after one try: push again, and call again where the decoder still wants it.
 */
export function createSchemaWait(
  decoder: Pick<BatchDecoder<SourceBatch>, 'resolveSchema' | 'wantedSchemaId'>,
  clock: Clock,
): (signal: AbortSignal) => Promise<void> {
  let failures = 0
  return async (signal) => {
    try {
      await decoder.resolveSchema(decoder.wantedSchemaId)
      failures = 0
    } catch (error) {
      if (!(error instanceof TransientError)) throw error
      const delayMs = Math.min(retryMsMax, retryMsMin * 2 ** failures)
      failures = Math.min(failures + 1, doublingsMax)
      await clock.sleep(delayMs, signal)
    }
  }
}
