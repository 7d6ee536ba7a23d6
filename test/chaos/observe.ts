import { setTimeout as sleep } from 'node:timers/promises'
import type { Broker, OutgoingRecord, Reader, StoredRecord } from '../../ports/broker.ts'
import { readThrough } from '../../ports/read-through.ts'
import type { Emission } from '../../schemas/candle.ts'
import { partitionOfKey } from '../../schemas/partitioner.ts'
import type { TopicNames } from '../../schemas/topics.ts'
import type { Codecs } from '../../topology/codecs.ts'
import { asAdmin } from './admin.ts'

const pollMs = 20

/** Polls until it holds. @returns Ms that it took. @throws {Error} When the time is over. */
export async function msUntil(
  what: string,
  holds: () => boolean | Promise<boolean>,
  msMax: number,
  everyMs = pollMs,
): Promise<number> {
  for (const started = performance.now(); ; await sleep(everyMs)) {
    if (await holds()) return performance.now() - started
    if (performance.now() - started > msMax) throw new Error(`not within ${msMax} ms: ${what}`)
  }
}

export const median = (list: readonly number[]): number =>
  [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? Number.NaN

/** Committed offsets of the candle topology, by partition. */
export async function committedOffsets(databaseUrl: string): Promise<ReadonlyMap<number, number>> {
  const rows = await asAdmin(databaseUrl, `SELECT partition, next_offset FROM partitions WHERE topology = 'candles'`)
  return new Map(rows.map(([partition, offset]) => [Number(partition), Number(offset)]))
}

interface Committing {
  readonly broker: Broker
  readonly topics: TopicNames
  readonly databaseUrl: string
}

/** Until all that stands in the log now is committed. @returns Ms that it took. */
export async function msUntilCommitted(
  { broker, topics, databaseUrl }: Committing,
  msMax: number,
  everyMs?: number,
): Promise<number> {
  const started = performance.now()
  const ends = await broker.admin.offsets(topics.ticks)
  const isCommitted = async (): Promise<boolean> => {
    const offsets = await committedOffsets(databaseUrl).catch(() => new Map<number, number>())
    return [...ends].every(([partition, { latest }]) => (offsets.get(partition) ?? 0) >= latest)
  }
  await msUntil('commits', isCommitted, msMax, everyMs)
  return performance.now() - started
}

/**
 * All of a topic as it stands, by partition.
 *
 * @param isTransactional Behind the last record there may be marks of transactions, which nobody is given.
 * @throws {TransientError} `LOG_UNREAD`.
 */
export async function wholeTopic(
  broker: Broker,
  topic: string,
  isTransactional = false,
): Promise<Map<number, StoredRecord[]>> {
  const ranges = await broker.admin.offsets(topic)
  const found = new Map<number, StoredRecord[]>([...ranges.keys()].map((partition) => [partition, []]))
  await readThrough({
    broker,
    topic,
    spans: new Map([...ranges].map(([partition, { earliest, latest }]) => [partition, { from: earliest, to: latest }])),
    async take(partition, records) {
      found.get(partition)?.push(...records)
    },
    ...(isTransactional ? { quietMs: 1_500, quiet: () => undefined } : {}),
  })
  return found
}

/** Emissions from now on, as they come. */
export function hearLive(
  { broker, topics, codecs }: { readonly broker: Broker; readonly topics: TopicNames; readonly codecs: Codecs },
  heard: (partition: number, emission: Emission) => void,
): Promise<Reader> {
  return broker.read({
    topic: topics.candlesLive,
    from: 'latest',
    onRecords(partition, records) {
      for (const record of records) {
        const live = codecs.decodeLive(record)
        if (live !== undefined && !('epoch' in live)) heard(partition, live)
      }
      return undefined
    },
    onError: (error) => {
      throw error
    },
  })
}

/** A trade of a live line, as a record: size 1, ids that grow. */
export function tradeRecord(
  { codecs, partitions }: { readonly codecs: Codecs; readonly partitions: number },
  { symbol, eventTime, price, tradeId }: { symbol: string; eventTime: number; price: number; tradeId: number },
): OutgoingRecord {
  const id = { tradeId, sequence: tradeId, idOrder: 'monotonic', line: 'live' } as const
  const value = codecs.encodeTick({ symbol, eventTime, price, size: 1, side: 'buy', ingestTime: eventTime, ...id })
  return { partition: partitionOfKey(symbol, partitions), key: symbol, value }
}

/** Symbols that together are in every partition, one each. */
export function symbolsOfPartitions(partitions: number): readonly string[] {
  const found = new Map<number, string>()
  for (let i = 0; found.size < partitions; i++) found.set(partitionOfKey(`EACH-${i}`, partitions), `EACH-${i}`)
  return [...found.values()]
}
