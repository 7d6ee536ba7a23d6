import type { Broker, Reader, StoredRecord } from '../ports/broker.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/logger.ts'
import type { Emission } from '../schemas/candle.ts'
import { messageOf } from '../schemas/errors.ts'
import { partitionOfKey } from '../schemas/partitioner.ts'
import { applyEmission, createLiveChannel, type LiveChannel, startEpoch } from './live-channel.ts'

/** What a record of `candles.live` says: an emission, or that a new owner's epoch begins. */
export type LiveRecord = Emission | { readonly epoch: number }

export interface LiveListener {
  /** The channel holds it already. */
  emission(channel: LiveChannel, emission: Emission): void
  /** What subscribers hold does not go on: a new epoch, or records were lost. */
  reset(channel: LiveChannel, reason: 'epoch' | 'gap'): void
}

export interface LiveFeedOptions {
  readonly broker: Broker
  readonly topic: string
  readonly clock: Clock
  readonly log: Log
  /** Undefined for a record that is none of ours; it is counted. */
  decode(record: StoredRecord): LiveRecord | undefined
  readonly listener: LiveListener
}

export interface LiveFeed {
  /** The channel, made where it is not known unless told otherwise; undefined until the log is being read. */
  channel(symbol: string, interval: number, make?: 'make' | 'known'): LiveChannel | undefined
  knows(symbol: string): boolean
  /** The partition of a symbol; undefined until the log is being read. */
  partitionOf(symbol: string): number | undefined
  /** Latest epoch of a partition; undefined where the log said nothing yet. */
  epochOf(partition: number): number | undefined
  /** First offset that was read. */
  startOf(partition: number): number | undefined
  /** `undefined` while reading, else what is wrong. */
  trouble(): string | undefined
  readonly undecodable: number
  /** Lets go of what is older than the ring's age. */
  expire(): void
  close(): Promise<void>
}

/** Emissions that one channel keeps, and all channels together. */
const ringSizeMax = 1024
const ringTotalMax = 1_000_000
/** How far back reading starts, and how long emissions are kept for a resume. */
const ageMaxMs = 60_000
const retryMaxMs = 5000

/**
 * Reads every partition of `candles.live` without a group and keeps, by channel, the last emissions and the open windows.
 * Reading that fails starts again where it stopped, with growing pauses, until it is closed.
 */
export async function startLiveFeed(options: LiveFeedOptions): Promise<LiveFeed> {
  const { broker, topic, clock, log, listener } = options
  const limits = { sizeMax: ringSizeMax, ageMaxMs }
  const channels = new Map<string, Map<number, LiveChannel>>()
  const byPartition = new Map<number, LiveChannel[]>()
  const epochs = new Map<number, number>()
  const wholeEpochs = new Map<number, number>()
  const nextOffsets = new Map<number, number>()
  const stopping = new AbortController()
  let starts: ReadonlyMap<number, number> | undefined
  let reader: Reader | undefined
  let trouble: string | undefined = 'not started'
  let undecodable = 0
  let held = 0
  let retrying = false

  const channelOf = (symbol: string, interval: number, partition: number): LiveChannel => {
    const intervals = channels.get(symbol) ?? new Map<number, LiveChannel>()
    const known = intervals.get(interval)
    if (known !== undefined) return known
    const channel = createLiveChannel(symbol, interval, partition, limits)
    channels.set(symbol, intervals.set(interval, channel))
    const siblings = byPartition.get(partition)
    if (siblings === undefined) byPartition.set(partition, [channel])
    else siblings.push(channel)
    return channel
  }

  // `whole`: everything of the epoch comes after this record, so that nothing of it was missed.
  const epochStarts = (partition: number, e: number, whole: boolean) => {
    const before = epochs.get(partition)
    if (before !== undefined && e <= before) return
    epochs.set(partition, e)
    if (!whole && before === undefined) return
    wholeEpochs.set(partition, e)
    for (const channel of byPartition.get(partition) ?? []) {
      // A snapshot was ahead of the log: what it told goes on, and what it counts already comes as duplicates.
      if (channel.seen && channel.ring.e >= e) continue
      held -= channel.ring.length
      startEpoch(channel, e)
      listener.reset(channel, 'epoch')
    }
  }

  const emitted = (partition: number, emission: Emission) => {
    const current = epochs.get(partition)
    if (current !== undefined && emission.e < current) return
    epochStarts(partition, emission.e, false)
    const channel = channelOf(emission.candle.symbol, emission.candle.interval, partition)
    const { ring } = channel
    const before = ring.length
    if (held >= ringTotalMax) ring.evict()
    const applied = applyEmission(channel, emission, clock.monotonic())
    ring.expire(clock.monotonic())
    held += ring.length - before
    if (applied === 'duplicate') return
    if (applied === 'gap') listener.reset(channel, 'gap')
    else listener.emission(channel, emission)
  }

  const take = (partition: number, records: readonly StoredRecord[]): undefined => {
    for (const record of records) {
      nextOffsets.set(partition, record.offset + 1)
      const live = options.decode(record)
      if (live === undefined) undecodable++
      else if ('epoch' in live) epochStarts(partition, live.epoch, true)
      else emitted(partition, live)
    }
  }

  const open = async () => {
    const resumed = nextOffsets.size > 0 && starts !== undefined
    const from = resumed
      ? new Map([...(starts ?? [])].map(([partition, start]) => [partition, nextOffsets.get(partition) ?? start]))
      : { timestampMs: clock.now() - ageMaxMs }
    reader = await broker.read({ topic, from, onRecords: take, onError: (error) => void retry(error) })
    starts ??= reader.startOffsets
    trouble = undefined
  }

  const retry = async (error: Error) => {
    if (retrying) return
    retrying = true
    trouble = messageOf(error)
    log('warn', 'live candles are not being read', { topic, why: trouble })
    for (let pauseMs = 100; !stopping.signal.aborted; pauseMs = Math.min(pauseMs * 2, retryMaxMs)) {
      await reader?.close().catch(() => undefined)
      await clock.sleep(pauseMs, stopping.signal)
      if (stopping.signal.aborted) return
      try {
        await open()
        retrying = false
        log('info', 'live candles are being read', { topic })
        return
      } catch (again) {
        trouble = messageOf(again)
        nextOffsets.clear() // the place may be gone; lost records show as gaps in q
      }
    }
  }

  await open().catch((error: unknown) => {
    void retry(error instanceof Error ? error : new Error(String(error)))
  })

  const partitionOf = (symbol: string) =>
    starts === undefined || starts.size === 0 ? undefined : partitionOfKey(symbol, starts.size)

  return {
    channel(symbol, interval, make = 'make') {
      const known = channels.get(symbol)?.get(interval)
      if (known !== undefined || make === 'known') return known
      const partition = partitionOf(symbol)
      if (partition === undefined) return undefined
      const channel = channelOf(symbol, interval, partition)
      const e = wholeEpochs.get(channel.partition)
      if (e !== undefined) startEpoch(channel, e)
      return channel
    },
    knows: (symbol) => channels.has(symbol), // channels are made for known symbols only
    partitionOf,
    epochOf: (partition) => epochs.get(partition),
    startOf: (partition) => starts?.get(partition),
    trouble: () => trouble,
    get undecodable() {
      return undecodable
    },
    expire() {
      const now = clock.monotonic()
      for (const intervals of channels.values())
        for (const channel of intervals.values()) held -= channel.ring.expire(now)
    },
    async close() {
      stopping.abort()
      await reader?.close()
    },
  }
}
