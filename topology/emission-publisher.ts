import type { OutgoingRecord, Producer } from '../ports/broker.ts'
import type { Candle, Emission } from '../schemas/candle.ts'
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
  /**
   * In order with everything before. After a send that failed the owner sends no more: its numbers would have a hole.
   *
   * @returns Where each channel stands now, and the last offset.
   */
  publish(partition: number, emissions: readonly Omit<Emission, 'e' | 'q'>[]): Promise<PublishedEmissions>
  forget(partition: number): void
}

export interface PublishedEmissions {
  readonly channels: readonly ChannelPosition[]
  readonly lastOffset: number
}

const channelOf = ({ symbol, interval }: Candle): string => `${symbol}|${interval}`

/** Emissions that are encoded at one go: more would keep everything else waiting. */
const sliceMax = 2_000

export interface EmissionPublisherOptions {
  readonly producer: Producer
  readonly topic: string
  encode(emission: Emission): Uint8Array
  encodeEpoch(e: number): Uint8Array
}

interface Owner {
  readonly e: number
  readonly counters: Map<string, number>
  /** Of the send that failed. */
  failure?: { readonly error: unknown }
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

  const next = ({ e, counters }: Owner, { candle }: Omit<Emission, 'e' | 'q'>): { e: number; q: number } => {
    const q = (counters.get(channelOf(candle)) ?? 0) + 1
    counters.set(channelOf(candle), q)
    return { e, q }
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
        if (owner.failure !== undefined) throw owner.failure.error
        const channels = new Map<string, ChannelPosition>()
        let lastOffset = -1
        for (let at = 0; at < emissions.length; at += sliceMax) {
          const numbered = emissions
            .slice(at, at + sliceMax)
            .map((emission) => ({ ...emission, ...next(owner, emission) }))
          const base = await send(
            numbered.map((one) => ({ partition, key: one.candle.symbol, value: encode(one) })),
          ).catch((error: unknown) => {
            owner.failure = { error }
            throw error
          })
          for (const [i, { e, q, candle }] of numbered.entries()) {
            const { symbol, interval } = candle
            const seq = Math.max(channels.get(channelOf(candle))?.seq ?? 0, candle.seq)
            channels.set(channelOf(candle), { symbol, interval, e, q, offset: base + i, seq })
          }
          lastOffset = base + numbered.length - 1
        }
        return { channels: [...channels.values()], lastOffset }
      }),
    forget(partition) {
      owners.delete(partition)
    },
  }
}
