import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/logger.ts'
import type { ChannelSnapshot, LivePosition, Snapshot } from '../ports/snapshot.ts'
import type { Candle } from '../schemas/candle.ts'
import { messageOf } from '../schemas/errors.ts'
import type { Channel } from './emission-publisher.ts'

/** Pause after a write that failed: rebuilding every channel each time would cost the candles. */
const retryMs = 1000
/** Channels that are made ready at one go: more would keep everything else waiting. */
const sliceMax = 1_000

/** Between looks whether what is urgent is over, and until it is waited for no more. */
const standBackMs = 20
const standBackMsMax = 30_000

/** Keeps the snapshot behind the live topic: conflated by channel, one write at a time, retried until it works. */
export interface SnapshotWriter {
  /** These channels moved, and everything up to `lastOffset` of the partition is told here. */
  note(partition: number, e: number, lastOffset: number, channels: readonly Channel[]): void
  /** Writes what is noted; while a write is under way it is that one that is waited for. */
  flush(): Promise<void>
  /** Nothing is urgent any more: all that is noted is written. */
  close(): Promise<void>
  forget(partition: number): void
  readonly isUp: boolean
}

export interface SnapshotWriterOptions {
  readonly snapshot: Snapshot
  readonly log: Log
  readonly clock: Pick<Clock, 'monotonic' | 'sleep'>
  /** Something that clients wait for is under way. */
  isUrgent(): boolean
  /** Candles of a channel that are not final and committed. */
  open(partition: number, symbol: string, interval: number): readonly Candle[] | undefined
}

interface PartitionNotes {
  position: LivePosition
  /** Something is noted that is not written, if only the position. */
  isOwed: boolean
  channels: Set<Channel>
}

export function createSnapshotWriter({ snapshot, log, clock, isUrgent, open }: SnapshotWriterOptions): SnapshotWriter {
  const partitions = new Map<number, PartitionNotes>()
  let writing: Promise<void> | undefined
  let isUp = true
  let retryAt = 0

  const snapshotOf = (partition: number, { symbol, interval, e, q, offset, seq }: Channel): ChannelSnapshot => ({
    ...{ partition, symbol, interval, e, q, offset, seq },
    open: open(partition, symbol, interval) ?? [],
  })

  /** What clients wait for goes first; whoever starts warm then reads a little more of the log. */
  const standBack = async (until: number): Promise<void> => {
    while (isUrgent() && clock.monotonic() < until) await clock.sleep(standBackMs)
  }

  const write = async (partition: number, notes: PartitionNotes, standBackUntil: number): Promise<void> => {
    await standBack(standBackUntil) // what is noted meanwhile is written with it
    const { channels, position } = notes
    notes.channels = new Set()
    notes.isOwed = false
    try {
      const noted = [...channels]
      for (let at = 0, isLast = false; !isLast; at += sliceMax) {
        await standBack(standBackUntil)
        if (partitions.get(partition) !== notes) return // another owner's by now
        isLast = at + sliceMax >= noted.length
        const slice = noted.slice(at, at + sliceMax).map((channel) => snapshotOf(partition, channel))
        await snapshot.write(partition, isLast ? position : undefined, slice)
      }
      if (!isUp) log('info', 'snapshot store is back')
      isUp = true
      retryAt = 0
    } catch (error) {
      for (const channel of channels) notes.channels.add(channel)
      notes.isOwed = true
      if (isUp) log('warn', 'snapshot store is down: candles go on, clients get live-only', { why: messageOf(error) })
      isUp = false
      retryAt = clock.monotonic() + retryMs
    }
  }

  const writeAll = async (): Promise<void> => {
    const standBackUntil = clock.monotonic() + standBackMsMax
    for (const [partition, notes] of partitions) if (notes.isOwed) await write(partition, notes, standBackUntil)
  }
  const flush = async (): Promise<void> => {
    if (writing === undefined && clock.monotonic() < retryAt) return
    writing ??= writeAll().finally(() => {
      writing = undefined
    })
    await writing
  }

  return {
    note(partition, e, lastOffset, channels) {
      let notes = partitions.get(partition)
      if (notes === undefined || notes.position.e !== e) {
        notes = { position: { e, offset: lastOffset }, isOwed: true, channels: new Set() }
        partitions.set(partition, notes)
      }
      notes.position = { e, offset: Math.max(lastOffset, notes.position.offset) }
      notes.isOwed = true
      for (const channel of channels) notes.channels.add(channel)
    },
    flush,
    async close() {
      await writing
      await flush()
    },
    forget(partition) {
      partitions.delete(partition)
    },
    get isUp() {
      return isUp
    },
  }
}
