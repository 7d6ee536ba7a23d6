import type { Clock } from '../../ports/clock.ts'
import type { Feed, FeedOutput, FeedPosition } from '../../ports/feed.ts'
import { invariant } from '../../schemas/errors.ts'
import { instrumentsOf, simulatedSymbols } from './instruments.ts'
import { cursorOfText } from './simulated-cursor.ts'
import { createPartitionWriter, type PartitionWriter } from './slot-writer.ts'
import { slotMs } from './symbol-slot.ts'

/** Downtime that a live simulation makes up for, by default. */
const catchUpMsDefault = 3_600_000
/** Records written before a flush; a flush holds whole slots. */
const flushRecords = 2_000

const ticksPerSecondDefault = 200

export interface SimulatedFeedOptions {
  readonly seed: number
  /** Default {@link simulatedSymbols}. */
  readonly symbols?: readonly string[]
  /** Simulated time of the very first slot, epoch ms; a partition with a cursor goes on from that instead. */
  readonly startMs: number
  /** Where it stops, epoch ms; undefined: never at speed 1 (live), else at the time of the start. */
  readonly endMs?: number | undefined
  /** Simulated time over real time, > 0. */
  readonly speed: number | 'max'
  /** Of all lively symbols together; default 200. */
  readonly ticksPerSecond?: number
  /** Fraction of ticks that are delivered twice. */
  readonly duplicates?: number
  readonly outOfOrdernessMs: number
  /** Default an hour; a longer downtime leaves a gap in the heartbeats. */
  readonly catchUpMsMax?: number
  /** Default `sim`. */
  readonly line?: string
  readonly clock: Clock
}

/**
 * Trades made from a seed, in slots of 100 ms of simulated time; a slot is the same whichever run makes it.
 * Each partition goes on from its own cursor, so trade ids and simulated time continue without gap or repetition.
 * Live (speed 1, no end) simulated time is the clock's, and downtime is caught up. A run that reaches its end closes
 * the line with `end`; an aborted one does not.
 *
 * @throws {FatalError} From `run`, `CURSOR_UNREADABLE`.
 */
export function createSimulatedFeed(options: SimulatedFeedOptions): Feed {
  const { line = 'sim', speed } = options
  invariant(speed === 'max' || speed > 0, () => `A simulation's speed is > 0 or max, was ${speed}`)
  return {
    name: 'simulated',
    line,
    async run(output, position, signal) {
      const writers = writersOf(options, line, output, position)
      await writeSlots(options, writers, output, signal)
      if (!signal.aborted) output.control({ kind: 'end', line })
      await output.flush()
      return { ticks: writers.reduce((sum, writer) => sum + writer.ticks, 0), refused: 0 }
    },
  }
}

function writersOf(
  options: SimulatedFeedOptions,
  line: string,
  output: FeedOutput,
  position: FeedPosition,
): readonly PartitionWriter[] {
  const { seed, symbols = simulatedSymbols, startMs, ticksPerSecond = ticksPerSecondDefault, duplicates = 0 } = options
  const all = instrumentsOf([...new Set(symbols)], ticksPerSecond)
  return Array.from({ length: output.partitions }, (_, partition) => {
    const text = position.cursors.get(partition)
    return createPartitionWriter({
      output,
      partition,
      line,
      seed,
      duplicates,
      outOfOrdernessMs: options.outOfOrdernessMs,
      instruments: all.filter((instrument) => output.partitionOf(instrument.symbol) === partition),
      symbolCount: all.length,
      cursor: text === undefined ? undefined : cursorOfText(text),
      firstSlot: Math.floor(startMs / slotMs),
    })
  })
}

/** Writes slot by slot, all partitions in step, up to the simulated time, until the end or an abort. */
async function writeSlots(
  options: SimulatedFeedOptions,
  writers: readonly PartitionWriter[],
  output: FeedOutput,
  signal: AbortSignal,
): Promise<void> {
  const { clock, speed, endMs, catchUpMsMax = catchUpMsDefault } = options
  const isLive = speed === 1 && endMs === undefined
  const endSlot = isLive ? Number.POSITIVE_INFINITY : Math.floor((endMs ?? clock.now()) / slotMs)
  const first = () => Math.min(...writers.map((writer) => writer.nextSlot))
  const flush = (): Promise<void> => {
    for (const writer of writers) writer.settle()
    return output.flush()
  }
  const startedAt = clock.monotonic()
  const simulatedFrom = first() * slotMs
  const simulatedNow = () => {
    if (isLive || speed === 'max') return isLive ? clock.now() : Number.POSITIVE_INFINITY
    return simulatedFrom + (clock.monotonic() - startedAt) * speed
  }
  for (let slot = first(); !signal.aborted && slot < endSlot; ) {
    if (isLive) slot = jumpOver(writers, Math.floor((clock.now() - catchUpMsMax) / slotMs), slot)
    const until = Math.min(endSlot, Math.floor(simulatedNow() / slotMs))
    for (; slot < until && !signal.aborted; slot++) {
      for (const writer of writers) if (writer.nextSlot === slot) writer.write()
      if (output.pending >= flushRecords) await flush()
    }
    await flush()
    if (slot >= endSlot || signal.aborted) return
    const waitMs = ((slot + 1) * slotMs - simulatedNow()) / (speed === 'max' ? 1 : speed)
    await clock.sleep(Math.max(1, Math.ceil(waitMs)), signal)
  }
}

function jumpOver(writers: readonly PartitionWriter[], earliest: number, slot: number): number {
  for (const writer of writers) if (writer.nextSlot < earliest) writer.jumpTo(earliest)
  return Math.max(slot, earliest)
}
