import type { Broker } from '../ports/broker.ts'
import type { OffsetSpan } from '../ports/read-through.ts'

/** Lines of the log before the first window asked for, so that it is known what each line covered. */
const warmUpMs = 600_000

/** Where a replay begins and ends in a partition. */
export interface ReplaySpan extends OffsetSpan {
  /** First offset that the log still holds. */
  readonly earliest: number
  /** Whether every tick from the asked time on lies in the span: else retention took some, or may have. */
  readonly isWhole: boolean
}

export interface ReplaySpansOptions {
  readonly broker: Pick<Broker, 'read' | 'admin'>
  readonly topic: string
  /** Offset that each partition has committed: the replay ends there. */
  readonly committed: ReadonlyMap<number, number>
  /** Epoch ms: windows that start from here on are to be exact. */
  readonly sinceMs: number
  readonly futureBoundMs: number
}

/**
 * Append time, epoch ms, from which on a log must be read for windows that start from `sinceMs` on: an accepted tick is
 * at most the future bound ahead of its append time, so what was appended before that holds only earlier events.
 */
export function appendedFromMs(sinceMs: number, futureBoundMs: number): number {
  return Math.max(0, sinceMs - futureBoundMs - warmUpMs)
}

/** Where a topic's partitions begin for who asks from an append time on. */
export interface ReplayStart {
  readonly from: number
  readonly earliest: number
  readonly latest: number
  /** Whether everything that was appended since is there: else retention took some, or may have. */
  readonly isWhole: boolean
}

export async function replayStarts(
  broker: Pick<Broker, 'read' | 'admin'>,
  topic: string,
  timestampMs: number,
): Promise<ReadonlyMap<number, ReplayStart>> {
  const ranges = await broker.admin.offsets(topic)
  const ignore = (): undefined => undefined
  const reader = await broker.read({ topic, from: { timestampMs }, onRecords: ignore, onError: ignore })
  const { startOffsets } = reader
  await reader.close()
  return new Map(
    [...ranges].map(([partition, { earliest, latest }]) => {
      const from = Math.max(earliest, startOffsets.get(partition) ?? earliest)
      return [partition, { from, earliest, latest, isWhole: earliest === 0 || from > earliest }]
    }),
  )
}

/** Where to begin, and where to end, so that windows from an event time on come out as they did. */
export async function replaySpans(options: ReplaySpansOptions): Promise<ReadonlyMap<number, ReplaySpan>> {
  const { broker, topic, committed, sinceMs, futureBoundMs } = options
  const starts = await replayStarts(broker, topic, appendedFromMs(sinceMs, futureBoundMs))
  return new Map(
    [...starts].map(([partition, { from, earliest, latest, isWhole }]) => {
      const to = Math.min(latest, committed.get(partition) ?? 0)
      return [partition, { from, to, earliest, isWhole }]
    }),
  )
}
