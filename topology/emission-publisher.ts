import type { OutgoingRecord, Producer } from '../ports/broker.ts'
import type { Emission } from '../schemas/candle.ts'
import { controlHeader } from '../schemas/control.ts'

/** Where a channel stands after a send: `offset` is that of the record with `(e, q)`. */
export interface ChannelPosition {
  readonly symbol: string
  readonly interval: number
  readonly e: number
  readonly q: number
  readonly offset: number
  /** Highest `seq` among what was sent; 0 for none. */
  readonly seq: number
}

/** The only writer of `candles.live`: numbers emissions as it hands them to the producer, one send at a time. */
export interface EmissionPublisher {
  /** Whether a send is under way: updates are then better left to grow. */
  readonly isBusy: boolean
  /** A new owner: lower epochs end here, every channel counts from 1 again. @returns The record's offset. */
  startEpoch(partition: number, e: number): Promise<number>
  /** In order with everything before. @returns Where each channel stands now, and the last offset. */
  publish(partition: number, emissions: readonly Omit<Emission, 'e' | 'q'>[]): Promise<PublishedEmissions>
  forget(partition: number): void
}

export interface PublishedEmissions {
  readonly channels: readonly ChannelPosition[]
  readonly lastOffset: number
}

export interface EmissionPublisherOptions {
  readonly producer: Producer
  readonly topic: string
  encode(emission: Emission): Uint8Array
  encodeEpoch(e: number): Uint8Array
}

interface Owner {
  readonly e: number
  readonly counters: Map<string, number>
}

export function createEmissionPublisher({
  producer,
  topic,
  encode,
  encodeEpoch,
}: EmissionPublisherOptions): EmissionPublisher {
  const owners = new Map<number, Owner>()
  let lane: Promise<unknown> = Promise.resolve()
  let waiting = 0

  const inLane = <T>(task: () => Promise<T>): Promise<T> => {
    waiting += 1
    const result = lane.then(task).finally(() => {
      waiting -= 1
    })
    lane = result.catch(() => undefined)
    return result
  }

  const send = async (records: readonly OutgoingRecord[]): Promise<number> => {
    const [range] = await producer.send(topic, records)
    return range?.baseOffset ?? 0
  }

  return {
    get isBusy() {
      return waiting > 0
    },
    startEpoch: (partition, e) =>
      inLane(() => {
        owners.set(partition, { e, counters: new Map() })
        return send([{ partition, key: null, value: encodeEpoch(e), headers: { [controlHeader]: 'epoch' } }])
      }),
    publish: (partition, emissions) =>
      inLane(async () => {
        const owner = owners.get(partition)
        if (owner === undefined || emissions.length === 0) return { channels: [], lastOffset: -1 }
        const channels = new Map<string, ChannelPosition>()
        const records = emissions.map(({ kind, candle }, i): OutgoingRecord => {
          const channel = `${candle.symbol}|${candle.interval}`
          const q = (owner.counters.get(channel) ?? 0) + 1
          owner.counters.set(channel, q)
          const seq = Math.max(channels.get(channel)?.seq ?? 0, candle.seq)
          channels.set(channel, { symbol: candle.symbol, interval: candle.interval, e: owner.e, q, offset: i, seq })
          return { partition, key: candle.symbol, value: encode({ kind, e: owner.e, q, candle }) }
        })
        const base = await send(records)
        return {
          channels: [...channels.values()].map((channel) => ({ ...channel, offset: base + channel.offset })),
          lastOffset: base + records.length - 1,
        }
      }),
    forget(partition) {
      owners.delete(partition)
    },
  }
}
