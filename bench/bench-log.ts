import { createReplayFeed } from '../feeds/replay/replay-feed.ts'
import { candles } from '../topology/candles.ts'
import { systemClock } from '../topology/system-clock.ts'
import { createEncodedLog, type EncodedLog } from './encoded-log.ts'
import { type GeneratedTicksOptions, generatedTicks } from './generated-ticks.ts'

const aheadSymbol = 'AHEAD'
const aheadMs = 86_400_000

/** Generated ticks as a log, closed by `end`. */
export function generatedLog(options: GeneratedTicksOptions): EncodedLog {
  const log = createEncodedLog()
  for (const tick of generatedTicks(options)) log.tick(tick)
  log.control({ kind: 'end', line: 'bench' })
  return log.finish()
}

/** The same ticks after one that is a day ahead of them: each is late. */
export function lateLog(options: GeneratedTicksOptions): EncodedLog {
  const log = createEncodedLog()
  for (const tick of generatedTicks({ ...options, ticks: 1 }))
    log.tick({ ...tick, symbol: aheadSymbol, eventTime: tick.eventTime + aheadMs })
  for (const tick of generatedTicks(options)) log.tick(tick)
  log.control({ kind: 'end', line: 'bench' })
  return log.finish()
}

/**
 * A file of trades as a log: what the replay feed writes of it, controls included.
 *
 * @throws {FatalError} `REPLAY_UNREADABLE`.
 */
export async function fileLog(file: string): Promise<EncodedLog> {
  const log = createEncodedLog()
  const feed = createReplayFeed({
    file,
    speed: 'max',
    ids: 'auto',
    clock: systemClock,
    outOfOrdernessMs: candles.watermark.outOfOrdernessMs,
    log: () => undefined,
  })
  await feed.run(
    {
      partitions: 1,
      partitionOf: () => 0,
      tick: log.tick,
      control: log.control,
      pending: 0,
      flush: async () => undefined,
    },
    { cursors: new Map() },
    new AbortController().signal,
  )
  return log.finish()
}
