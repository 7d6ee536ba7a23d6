import type { FeedOutput } from '../../ports/feed.ts'
import { deadLetterPayloadBytesMax } from '../../schemas/dead-letter.ts'
import { symbolPattern, type Tick } from '../../schemas/tick.ts'
import type { LineParser, LineSink, RefusalReason } from './line-parser.ts'
import { createReplayHeartbeats } from './replay-heartbeats.ts'

/** Symbols known to have moved; beyond it they are announced anew, which changes nothing. */
const symbolsMax = 100_000
/** The engine refuses events this far ahead of their arrival: they must not carry the heartbeats or the pace off. */
const futureMs = 60_000

interface ReplaySinkOptions {
  readonly output: FeedOutput
  readonly line: string
  /** Name of the file, for dead letters. */
  readonly source: string
  readonly outOfOrdernessMs: number
  /** Epoch ms. */
  readonly startedAt: number
}

interface ReplaySink {
  readonly ticks: number
  readonly refused: number
  readonly ignored: number
  /** Highest plausible event time read so far; -Infinity before the first. */
  readonly newestEventTime: number
  lineBytesMax: number
  /** Parses a line and holds what it gave. */
  read(parse: LineParser, text: string, position: number): void
  /** Writes what `read` holds: `move`, tick, heartbeat; or `reject`. */
  write(): void
  /** Writes the last heartbeat and `end`. */
  end(): void
}

/** @returns The first 4 KiB of a text, cut between characters. */
function payloadOf(text: string): string {
  const bytes = Buffer.from(text.slice(0, deadLetterPayloadBytesMax))
  if (bytes.length <= deadLetterPayloadBytesMax) return bytes.toString()
  return new TextDecoder().decode(bytes.subarray(0, deadLetterPayloadBytesMax), { stream: true })
}

/** Turns parsed lines into records; their content and order depend on the file alone. */
export function createReplaySink(options: ReplaySinkOptions): ReplaySink {
  const { output, line, source, outOfOrdernessMs, startedAt } = options
  const heartbeats = createReplayHeartbeats(outOfOrdernessMs)
  const moved = new Set<string>()
  const held: (() => void)[] = []
  const heldTicks: Tick[] = []
  let newestEventTime = Number.NEGATIVE_INFINITY
  let currentText = ''
  let currentPosition = 0
  let lastMoved: string | undefined
  let ticks = 0
  let refused = 0
  let ignored = 0

  /** @returns Whether the symbol is one that the engine takes. */
  function announce(symbol: string): boolean {
    if (symbol === lastMoved) return true
    if (!moved.has(symbol)) {
      if (!symbolPattern.test(symbol)) return false
      if (moved.size >= symbolsMax) moved.clear()
      moved.add(symbol)
      output.control({ kind: 'move', line, symbol }, output.partitionOf(symbol))
    }
    lastMoved = symbol
    return true
  }

  function writeTick(tick: Tick): void {
    const { symbol, price, size, eventTime } = tick
    const isSound = announce(symbol) && price > 0 && size > 0 && eventTime <= startedAt + futureMs
    output.tick(tick)
    ticks++
    if (!isSound) return
    const piece = heartbeats.advance(eventTime)
    if (piece !== undefined) output.control({ kind: 'heartbeat', line, ...piece, cursor: null })
  }

  function writeReject(text: string, position: number, reason: RefusalReason, detail: string): void {
    const payload = payloadOf(text)
    output.control({ kind: 'reject', line, source: `${source}:${position}`, position, reason, detail, payload }, 0)
    refused++
  }

  const lineSink: LineSink = {
    tick(tick) {
      heldTicks.push(tick)
      if (tick.eventTime > newestEventTime && tick.eventTime <= startedAt + futureMs) newestEventTime = tick.eventTime
    },
    refuse(reason, detail) {
      const text = currentText
      const position = currentPosition
      held.push(() => writeReject(text, position, reason, detail))
    },
    ignore() {
      ignored++
    },
  }

  return {
    lineBytesMax: Number.POSITIVE_INFINITY,
    get ticks() {
      return ticks
    },
    get refused() {
      return refused
    },
    get ignored() {
      return ignored
    },
    get newestEventTime() {
      return newestEventTime
    },
    read(parse, text, position) {
      currentText = text
      currentPosition = position
      if (text.length > this.lineBytesMax) lineSink.refuse('OVERSIZED', `A line has at most ${this.lineBytesMax} bytes`)
      else if (text.includes('\0')) lineSink.refuse('MALFORMED', 'A line has no NUL character')
      else parse(text, position, lineSink)
    },
    write() {
      for (const tick of heldTicks) writeTick(tick)
      heldTicks.length = 0
      for (const reject of held) reject()
      held.length = 0
    },
    end() {
      const piece = heartbeats.finish()
      if (piece !== undefined) output.control({ kind: 'heartbeat', line, ...piece, cursor: null })
      output.control({ kind: 'end', line })
    },
  }
}
