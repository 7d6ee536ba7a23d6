import type { OutgoingRecord, Producer } from '../ports/broker.ts'
import { type Emission, emissionNames } from '../schemas/candle.ts'
import { controlHeader } from '../schemas/control.ts'
import { createCandleReader, type NamedCandles } from './named-candles.ts'

/** Where a channel of an owner stands: it moves with each send that arrived. */
export interface Channel {
  readonly symbol: string
  readonly interval: number
  readonly e: number
  /** Of the last record; 0 for none. */
  readonly q: number
  /** Offset of that record. */
  readonly offset: number
  /** Highest `seq` of its candles; 0 for none. */
  readonly seq: number
}

/** Where every channel of a partition stands that nothing was sent of. */
export interface StartOfChannels {
  readonly offset: number
  readonly seq: number
}

/** The only writer of `candles.live`: numbers emissions as it hands them to the producer, one send at a time. */
export interface EmissionPublisher {
  /** Whether a send is under way: updates are then better left to grow. */
  readonly isBusy: boolean
  /** A new owner: lower epochs end here, every channel counts from 1 again. @returns The record's offset. */
  startEpoch(partition: number, e: number): Promise<number>
  /**
   * In order with everything before. After a send that failed the owner sends no more: its numbers would have a hole.
   *
   * @param candles They are read before the promise settles.
   * @returns The channels that moved, and the last offset.
   */
  publish(partition: number, candles: NamedCandles): Promise<PublishedEmissions>
  /** These channels, whether anything was sent of them or not. */
  channels(
    partition: number,
    symbols: Iterable<string>,
    intervals: readonly number[],
    start: StartOfChannels,
  ): readonly Channel[]
  forget(partition: number): void
}

export interface PublishedEmissions {
  readonly channels: readonly Channel[]
  readonly lastOffset: number
}

/** Emissions that are encoded at one go: more would keep everything else waiting. */
const sliceMax = 2_000

export interface EmissionPublisherOptions {
  readonly producer: Producer
  readonly topic: string
  /** The emission is good until the next call. */
  encode(emission: Emission): Uint8Array
  encodeEpoch(e: number): Uint8Array
}

interface OwnChannel extends Channel {
  q: number
  offset: number
  seq: number
  /** Numbers given so far: ahead of `q` while a send is under way. */
  numbered: number
  /** The publication that moved it last. */
  movedBy: number
}

interface Settle<Result> {
  resolve(result: Result): void
  reject(error: unknown): void
}

interface Owner {
  readonly e: number
  /** By symbol; those of one are few. */
  readonly channels: Map<string, OwnChannel[]>
  /** Of the send that failed. */
  failure?: { readonly error: unknown }
}

/** What one call has to send to its partition, a part at a time. */
interface Publication {
  readonly partition: number
  /** The next records, at most so many. @throws What keeps it from going on. */
  next(max: number): readonly OutgoingRecord[]
  /** They were appended from `baseOffset` on. @returns Whether that was all. */
  landed(baseOffset: number): boolean
  failed(error: unknown): void
}

function channelOf({ e, channels }: Owner, symbol: string, interval: number): OwnChannel {
  const ofSymbol = channels.get(symbol) ?? []
  if (ofSymbol.length === 0) channels.set(symbol, ofSymbol)
  for (const channel of ofSymbol) if (channel.interval === interval) return channel
  const made = { symbol, interval, e, q: 0, offset: -1, seq: 0, numbered: 0, movedBy: 0 }
  ofSymbol.push(made)
  return made
}

export function createEmissionPublisher(options: EmissionPublisherOptions): EmissionPublisher {
  const { producer, topic, encode, encodeEpoch } = options
  const owners = new Map<number, Owner>()
  /** In the order of the calls. Those of one partition go one after the other, those of several in one send. */
  const waiting: Publication[] = []
  let isSending = false
  let publications = 0

  const take = (publication: Publication): void => {
    waiting.splice(waiting.indexOf(publication), 1)
  }

  /** The next part of the first publication of each partition. */
  function nextParts(): Map<Publication, readonly OutgoingRecord[]> {
    const firsts = new Map<number, Publication>()
    for (const one of waiting) if (!firsts.has(one.partition)) firsts.set(one.partition, one)
    const max = Math.ceil(sliceMax / firsts.size)
    const parts = new Map<Publication, readonly OutgoingRecord[]>()
    for (const one of firsts.values()) {
      try {
        parts.set(one, one.next(max))
      } catch (error) {
        take(one)
        one.failed(error)
      }
    }
    return parts
  }

  /** What fails is nobody's part alone: the numbers of each may have a hole then. */
  async function sendParts(parts: ReadonlyMap<Publication, readonly OutgoingRecord[]>): Promise<void> {
    const records = [...parts.values()].flat()
    try {
      const ranges = records.length === 0 ? [] : await producer.send(topic, records)
      const bases = new Map(ranges.map(({ partition, baseOffset }) => [partition, baseOffset]))
      for (const one of parts.keys()) if (one.landed(bases.get(one.partition) ?? 0)) take(one)
    } catch (error) {
      for (const one of parts.keys()) {
        take(one)
        one.failed(error)
      }
    }
  }

  async function sendAll(): Promise<void> {
    isSending = true
    await Promise.resolve() // what is said in the same turn goes along
    while (waiting.length > 0) {
      const parts = nextParts()
      if (parts.size > 0) await sendParts(parts)
    }
    isSending = false
  }

  const enqueue = (publication: Publication): void => {
    waiting.push(publication)
    if (!isSending) void sendAll()
  }

  function publication(partition: number, candles: NamedCandles, settle: Settle<PublishedEmissions>): Publication {
    const { rows, symbolName } = candles
    const read = createCandleReader(candles)
    const number = ++publications
    const moved: OwnChannel[] = []
    let slice: OwnChannel[] = []
    let from = 0
    let owner: Owner | undefined
    return {
      partition,
      next(max) {
        owner ??= owners.get(partition)
        if (owner?.failure !== undefined) throw owner.failure.error
        const to = owner === undefined ? from : Math.min(from + max, rows.length)
        slice = []
        const records: OutgoingRecord[] = []
        for (let i = from; owner !== undefined && i < to; i++) {
          const symbol = symbolName(rows.symbol[i] as number)
          const channel = channelOf(owner, symbol, rows.interval[i] as number)
          channel.numbered += 1
          slice.push(channel)
          const kind = emissionNames[rows.kind[i] as number] ?? 'update'
          const value = encode({ kind, e: owner.e, q: channel.numbered, candle: read(i) })
          records.push({ partition, key: symbol, value })
        }
        return records
      },
      landed(baseOffset) {
        for (const [i, channel] of slice.entries()) {
          channel.q += 1
          channel.offset = baseOffset + i
          channel.seq = Math.max(channel.seq, rows.seq[from + i] as number)
          if (channel.movedBy !== number) moved.push(channel)
          channel.movedBy = number
        }
        from += slice.length
        if (owner !== undefined && from < rows.length) return false
        settle.resolve({ channels: moved, lastOffset: slice.length === 0 ? -1 : baseOffset + slice.length - 1 })
        return true
      },
      failed(error) {
        if (owner !== undefined) owner.failure ??= { error }
        settle.reject(error)
      },
    }
  }

  function startEpoch(partition: number, e: number): Promise<number> {
    return new Promise((resolve, reject) => {
      enqueue({
        partition,
        next() {
          owners.set(partition, { e, channels: new Map() })
          return [{ partition, key: null, value: encodeEpoch(e), headers: { [controlHeader]: 'epoch' } }]
        },
        landed(baseOffset) {
          resolve(baseOffset)
          return true
        },
        failed: reject,
      })
    })
  }

  return {
    get isBusy() {
      return waiting.length > 0
    },
    startEpoch,
    publish: (partition, candles) =>
      new Promise((resolve, reject) => enqueue(publication(partition, candles, { resolve, reject }))),
    channels(partition, symbols, intervals, { offset, seq }) {
      const owner = owners.get(partition)
      const all: OwnChannel[] = []
      if (owner === undefined) return all
      for (const symbol of symbols)
        for (const interval of intervals) {
          const channel = channelOf(owner, symbol, interval)
          if (channel.q === 0) channel.offset = offset
          channel.seq = Math.max(channel.seq, seq)
          all.push(channel)
        }
      return all
    },
    forget(partition) {
      owners.delete(partition)
    },
  }
}
