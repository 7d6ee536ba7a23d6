import { basename } from 'node:path'
import type { Clock } from '../../ports/clock.ts'
import type { Feed, FeedOutput } from '../../ports/feed.ts'
import type { Log } from '../../ports/logger.ts'
import { createCaptureFrames, isCapture } from './capture-frames.ts'
import { createCsvTrades, csvColumns, csvHeader } from './csv-trades.ts'
import type { LineParser, LineParserOptions, ReplayIds } from './line-parser.ts'
import { replayBytes, replayUnreadable } from './replay-bytes.ts'
import { replayLines } from './replay-lines.ts'
import { createReplayPace } from './replay-pace.ts'
import { createReplaySink } from './replay-sink.ts'

/** Longest row of a CSV. */
const csvLineBytesMax = 64 * 1024
/** Longest line of a capture: a book snapshot is one frame. */
const captureLineBytesMax = 1024 * 1024
/** Records written before a flush, as fast as they are acknowledged. */
const flushRecords = 2_000

export interface ReplayFeedOptions {
  readonly file: string
  /** Replayed time over real time, > 0. */
  readonly speed: number | 'max'
  readonly ids: ReplayIds
  /** Default `replay`. */
  readonly line?: string
  readonly clock: Clock
  readonly outOfOrdernessMs: number
  readonly log: Log
}

/**
 * Replays a file of trades (CSV or raw capture, plain or gzip) as it stands: same records, same order, at any speed.
 * What it cannot read becomes a `reject` control record in partition 0. Before a symbol's first tick stands a `move`;
 * heartbeats follow from the event times alone; an input that was read to its end closes with `end`.
 *
 * @throws {FatalError} From `run`, `REPLAY_UNREADABLE`: what was read before it is flushed first.
 */
export function createReplayFeed(options: ReplayFeedOptions): Feed {
  const { file, speed, ids, line = 'replay', clock, outOfOrdernessMs, log } = options
  return {
    name: 'replay',
    line,
    async run(output, _position, signal) {
      const sink = createReplaySink({ output, line, source: basename(file), outOfOrdernessMs, startedAt: clock.now() })
      const pace = createReplayPace(speed, clock)
      const flushes = pipelinedFlushes(output)
      let parser: LineParser | undefined
      let ended = false
      try {
        for await (const block of replayLines(replayBytes(file), captureLineBytesMax)) {
          for (let i = 0; i < block.lines.length; i++) {
            if (signal.aborted) break
            const text = block.lines[i] ?? ''
            if (text === '') continue
            if (parser === undefined) {
              const found = parserOf(text, file, { line, ids })
              parser = found.parser
              sink.lineBytesMax = found.lineBytesMax
              if (found.isHeader) continue
            }
            sink.read(parser, text, block.firstLine + i)
            const waitMs = pace.waitMs(sink.newestEventTime)
            if (waitMs > 0) {
              await flushes.all()
              await pace.sleep(waitMs, signal)
              if (signal.aborted) break
            }
            sink.write()
            if (output.pending >= flushRecords && flushes.isIdle) flushes.start()
            if (output.pending >= 2 * flushRecords) await flushes.settled()
          }
          if (signal.aborted) break
        }
        ended = !signal.aborted
        if (ended) sink.end()
      } finally {
        await flushes.all()
      }
      const { ticks, refused, ignored } = sink
      log('info', 'replay over', { file, line, ticks, refused, ignored, ended })
      return { ticks, refused }
    },
  }
}

interface FoundParser {
  readonly parser: LineParser
  readonly lineBytesMax: number
  readonly isHeader: boolean
}

function parserOf(first: string, file: string, options: LineParserOptions): FoundParser {
  if (isCapture(first)) {
    return { parser: createCaptureFrames(options), lineBytesMax: captureLineBytesMax, isHeader: false }
  }
  const header = csvHeader(first)
  if (header !== undefined && !('count' in header)) {
    throw replayUnreadable(file, undefined, `Its header has no column ${header.join(', ')}`)
  }
  const parser = createCsvTrades(header ?? csvColumns, options)
  return { parser, lineBytesMax: csvLineBytesMax, isHeader: header !== undefined }
}

/** One flush in flight while the next records are read; an error comes out at the next `settled` or `all`. */
function pipelinedFlushes(output: FeedOutput) {
  let running: Promise<void> = Promise.resolve()
  let idle = true
  return {
    get isIdle() {
      return idle
    },
    start(): void {
      idle = false
      const flush = async () => {
        await output.flush()
        idle = true
      }
      running = running.then(flush)
      running.catch(() => undefined)
    },
    settled: () => running,
    async all(): Promise<void> {
      await running
      await output.flush()
    },
  }
}
