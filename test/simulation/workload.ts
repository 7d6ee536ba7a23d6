import type { OutgoingRecord } from '../../ports/broker.ts'
import type { ControlRecord } from '../../schemas/control.ts'
import { controlHeader } from '../../schemas/control.ts'
import type { HistorySegment, HistoryTrade } from '../../schemas/history.ts'
import { partitionOfKey } from '../../schemas/partitioner.ts'
import type { Tick } from '../../schemas/tick.ts'
import type { TopicNames } from '../../schemas/topics.ts'
import type { Codecs } from '../../topology/codecs.ts'

/** What the feed appends at one moment, together. */
export interface Appended {
  /** Ms from the start. */
  readonly atMs: number
  readonly topic: 'ticks' | 'history'
  readonly records: readonly OutgoingRecord[]
}

/** No registry knows it. */
export const unknownSchemaId = 0x6363

export interface WorkloadOptions {
  /** In [0, 1). */
  random(): number
  readonly codecs: Codecs
  readonly topics: TopicNames
  readonly partitions: number
  /** Epoch ms of the start. */
  readonly start: number
}

/** Some of them are refused. */
const symbolNames = [
  'BTC-USD',
  'ETH-USD',
  'A',
  'v:x._/-1',
  "x'); DROP TABLE candles;--",
  'tab\t\\N',
  '🚀',
  'K-7',
  'L-8',
]
const lines = ['one', 'two'] as const
const lineOf = (symbol: string): string => (symbolNames.indexOf(symbol) % 3 === 2 ? lines[1] : lines[0])

/** Appends of the feed. */
const appendsMin = 16
const appendsMax = 60
/** Event time goes so many times as fast as the feed's, from an hour ago. */
const speed = 25
const behindMs = 3_600_000
const minute = 60_000

/** Ticks in order and out of it, late, repeated and broken; heartbeats with gaps; history with its markers; the end of every line. */
export function drawWorkload(options: WorkloadOptions): readonly Appended[] {
  const { random, codecs, partitions, start } = options
  const draw = (count: number): number => Math.floor(random() * count)
  const pick = <T>(list: readonly T[]): T => list[draw(list.length)] as T
  const appended: Appended[] = []
  const symbols = symbolNames.slice(0, 2 + draw(symbolNames.length - 1))
  const ids = new Map<string, number>()
  const written: OutgoingRecord[] = []
  const covered = new Map<string, number>()
  const historySizes = new Map<number, number>()
  let atMs = 0
  const eventNow = (): number => start - behindMs + atMs * speed

  const partitionOf = (symbol: string): number => partitionOfKey(symbol, partitions)
  const recordOf = (tick: Tick): OutgoingRecord => ({
    ...{ partition: partitionOf(tick.symbol), key: tick.symbol, value: codecs.encodeTick(tick) },
  })
  const controlOf = (record: ControlRecord, partition: number): OutgoingRecord => ({
    ...{ partition, key: null, value: codecs.encodeControl(record), headers: { [controlHeader]: record.kind } },
  })
  const everywhere = (record: ControlRecord): OutgoingRecord[] =>
    Array.from({ length: partitions }, (_, partition) => controlOf(record, partition))
  const put = (records: readonly OutgoingRecord[], topic: Appended['topic'] = 'ticks'): void => {
    if (records.length > 0) appended.push({ atMs, topic, records })
  }

  const drawTick = (symbol: string): Tick => {
    const tradeId = (ids.get(symbol) ?? draw(1000)) + 1 + (draw(20) === 0 ? draw(3) : 0)
    ids.set(symbol, tradeId)
    const far = draw(25)
    const back = far === 0 ? 180_000 + draw(400_000) : far === 1 ? draw(150_000) : draw(6) === 0 ? draw(3000) : 0
    const ahead = draw(60) === 0 ? behindMs + 120_000 + draw(1e6) : 0
    return {
      ...{
        symbol,
        eventTime: eventNow() - back + ahead,
        price: draw(100_000) / 100 + 0.01,
        size: (1 + draw(1e6)) / 1e6,
      },
      ...{ side: draw(2) === 0 ? 'buy' : 'sell', tradeId, sequence: tradeId, line: lineOf(symbol) },
      ...{ idOrder: symbolNames.indexOf(symbol) % 4 === 3 ? 'unordered' : 'monotonic', ingestTime: start + atMs },
    } as Tick
  }
  const broken = (): OutgoingRecord => {
    const whole = codecs.encodeTick(drawTick(pick(symbols)))
    const value = [
      () => Buffer.from('no Avro at all'),
      () => Buffer.from(whole).subarray(0, whole.length - 3),
      () => Buffer.concat([Buffer.of(0, 0, 0, 0x63, 0x63), Buffer.from(whole).subarray(5)]),
      () => codecs.encodeTick({ ...drawTick(pick(symbols)), price: Number.NaN }),
      () => codecs.encodeTick({ ...drawTick(pick(symbols)), size: -1 }),
      () => null,
    ][draw(6)]?.() as Uint8Array | null
    return { partition: draw(partitions), key: null, value }
  }
  const heartbeat = (line: string): OutgoingRecord[] => {
    const to = eventNow()
    const from = (covered.get(line) ?? to - minute) + (draw(8) === 0 ? draw(120_000) : 0)
    covered.set(line, Math.max(to, from))
    return from < to ? everywhere({ kind: 'heartbeat', line, from, to, cursor: null }) : []
  }
  const segment = (symbol: string): HistorySegment => {
    const bucketFrom = Math.floor((eventNow() - draw(30) * minute) / minute) * minute
    const bucketTo = bucketFrom + (1 + draw(4)) * minute
    const trades = Array.from({ length: draw(6) }, (): HistoryTrade => {
      const eventTime = bucketFrom + draw(bucketTo - bucketFrom)
      const tradeId = 1_000_000_000 + eventTime - start + 2 * behindMs
      return { eventTime, price: draw(100_000) / 100 + 0.01, size: 0.5, side: 'sell', tradeId, sequence: tradeId }
    }).sort((a, b) => a.eventTime - b.eventTime)
    return {
      kind: 'trades',
      symbol,
      bucketFrom,
      bucketTo,
      id: `${symbol} ${appended.length}`,
      part: 0,
      parts: 1,
      trades,
    }
  }
  const history = (): void => {
    const symbol = pick(symbols)
    const partition = partitionOf(symbol)
    const count = 1 + draw(2)
    put(
      Array.from({ length: count }, () => ({ partition, key: symbol, value: codecs.encodeHistory(segment(symbol)) })),
      'history',
    )
    const upTo = (historySizes.get(partition) ?? 0) + count
    historySizes.set(partition, upTo)
    // More history may come before its marker does.
    const marker = controlOf({ kind: 'history', line: lineOf(symbol), upTo }, partition)
    if (draw(3) > 0) put([marker])
    else late.push(marker)
  }
  const late: OutgoingRecord[] = []

  for (let count = appendsMin + draw(appendsMax - appendsMin); count > 0; count--) {
    atMs += draw(10) === 0 ? draw(2000) : draw(250)
    const kind = draw(40)
    if (kind === 0) put([broken()])
    else if (kind < 3) history()
    else if (kind < 8) put(heartbeat(pick(lines)))
    else if (kind < 10 && written.length > 0) put([pick(written)])
    else if (kind === 10) put(late.splice(0))
    else {
      const records = Array.from({ length: 1 + draw(5) }, () => recordOf(drawTick(pick(symbols))))
      written.push(...records)
      put(records)
    }
  }
  put(late.splice(0))
  atMs += 1000
  for (const line of lines) put(everywhere({ kind: 'end', line }))
  return appended
}
