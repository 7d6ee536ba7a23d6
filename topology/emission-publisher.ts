import type { OutgoingRecord, Producer } from '../ports/broker.ts'
import { createLane } from '../ports/lane.ts'
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

interface Owner {
  readonly e: number
  /** By symbol; those of one are few. */
  readonly channels: Map<string, OwnChannel[]>
  /** Of the send that failed. */
  failure?: { readonly error: unknown }
}

function channelOf({ e, channels }: Owner, symbol: string, interval: number): OwnChannel {
  const ofSymbol = channels.get(symbol) ?? []
  if (ofSymbol.length === 0) channels.set(symbol, ofSymbol)
  for (const channel of ofSymbol) if (channel.interval === interval) return channel
  const made = { symbol, interval, e, q: 0, offset: -1, seq: 0, numbered: 0, movedBy: 0 }
  ofSymbol.push(made)
  return made
}

export function createEmissionPublisher({
  producer,
  topic,
  encode,
  encodeEpoch,
}: EmissionPublisherOptions): EmissionPublisher {
  const owners = new Map<number, Owner>()
  const lane = createLane()
  let waiting = 0
  let publications = 0

  const inLane = <T>(task: () => Promise<T>): Promise<T> => {
    waiting += 1
    return lane(task).finally(() => {
      waiting -= 1
    })
  }

  const send = async (records: readonly OutgoingRecord[]): Promise<number> => {
    const [range] = await producer.send(topic, records)
    return range?.baseOffset ?? 0
  }

  async function publish(owner: Owner, partition: number, candles: NamedCandles): Promise<PublishedEmissions> {
    const { e } = owner
    const { rows, symbolName } = candles
    const read = createCandleReader(candles)
    const moved: OwnChannel[] = []
    const publication = ++publications
    let lastOffset = -1
    for (let from = 0; from < rows.length; from += sliceMax) {
      const to = Math.min(from + sliceMax, rows.length)
      const slice: OwnChannel[] = []
      const records: OutgoingRecord[] = []
      for (let i = from; i < to; i++) {
        const symbol = symbolName(rows.symbol[i] as number)
        const channel = channelOf(owner, symbol, rows.interval[i] as number)
        channel.numbered += 1
        slice.push(channel)
        const kind = emissionNames[rows.kind[i] as number] ?? 'update'
        const value = encode({ kind, e, q: channel.numbered, candle: read(i) })
        records.push({ partition, key: symbol, value })
      }
      const base = await send(records)
      for (const [i, channel] of slice.entries()) {
        channel.q += 1
        channel.offset = base + i
        channel.seq = Math.max(channel.seq, rows.seq[from + i] as number)
        if (channel.movedBy !== publication) moved.push(channel)
        channel.movedBy = publication
      }
      lastOffset = base + slice.length - 1
    }
    return { channels: moved, lastOffset }
  }

  return {
    get isBusy() {
      return waiting > 0
    },
    startEpoch: (partition, e) =>
      inLane(() => {
        owners.set(partition, { e, channels: new Map() })
        return send([{ partition, key: null, value: encodeEpoch(e), headers: { [controlHeader]: 'epoch' } }])
      }),
    publish: (partition, candles) =>
      inLane(async () => {
        const owner = owners.get(partition)
        if (owner === undefined || candles.rows.length === 0) return { channels: [], lastOffset: -1 }
        if (owner.failure !== undefined) throw owner.failure.error
        try {
          return await publish(owner, partition, candles)
        } catch (error) {
          owner.failure = { error }
          throw error
        }
      }),
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
