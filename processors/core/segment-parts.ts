import type { HistoryCandle, HistorySegment, HistoryTrade } from '../../schemas/history.ts'
import { type Side, sideNames } from '../../schemas/tick.ts'
import type { ByteReader, ByteWriter } from './byte-buffer.ts'

/** Trades and candles of segments whose parts have not all come; above it the oldest segment goes. */
export const gatheredItemsMax = 500_000

/** Parts of a segment, at most. */
export const segmentPartsMax = 1000

/** What a part came to. */
export interface Gathered {
  /** The whole segment, with its last part. */
  readonly whole?: HistorySegment
  readonly problem?: string
  /** Segments given up for it. */
  readonly evicted: readonly HistorySegment[]
}

/** Parts of segments that are not whole yet. */
export interface SegmentParts {
  add(segment: HistorySegment): Gathered
  /** Segments that wait for parts. */
  readonly size: number
  write(writer: ByteWriter): void
  read(reader: ByteReader): void
}

interface Gathering {
  readonly got: Map<number, HistorySegment>
  items: number
}

const itemsOf = (segment: HistorySegment): number =>
  segment.kind === 'trades' ? segment.trades.length : segment.candles.length

function isOfSame(a: HistorySegment, b: HistorySegment): boolean {
  return (
    a.symbol === b.symbol &&
    a.bucketFrom === b.bucketFrom &&
    a.bucketTo === b.bucketTo &&
    a.parts === b.parts &&
    a.kind === b.kind
  )
}

function joined(first: HistorySegment, parts: readonly HistorySegment[]): HistorySegment {
  const one = { ...first, part: 0, parts: 1 }
  return one.kind === 'trades'
    ? { ...one, trades: parts.flatMap((part) => (part.kind === 'trades' ? part.trades : [])) }
    : { ...one, candles: parts.flatMap((part) => (part.kind === 'candles' ? part.candles : [])) }
}

/** Gathers the parts of segments, in any order; a part that comes again is the same one. */
export function createSegmentParts(itemsMax: number = gatheredItemsMax): SegmentParts {
  const gathering = new Map<string, Gathering>()
  let items = 0
  const drop = (id: string): void => {
    items -= gathering.get(id)?.items ?? 0
    gathering.delete(id)
  }
  const put = (segment: HistorySegment): Gathering => {
    const found = gathering.get(segment.id) ?? { got: new Map<number, HistorySegment>(), items: 0 }
    gathering.set(segment.id, found)
    if (!found.got.has(segment.part)) {
      found.got.set(segment.part, segment)
      // A part costs something even when it is empty.
      found.items += itemsOf(segment) + 1
      items += itemsOf(segment) + 1
    }
    return found
  }
  const evict = (keep: string): HistorySegment[] => {
    const evicted: HistorySegment[] = []
    for (const [id, { got }] of gathering) {
      if (items <= itemsMax) break
      const [first] = got.values()
      if (id === keep || first === undefined) continue
      evicted.push(first)
      drop(id)
    }
    return evicted
  }
  return {
    add(segment) {
      const { id, parts } = segment
      if (parts > segmentPartsMax) return { problem: `a segment has at most ${segmentPartsMax} parts`, evicted: [] }
      const [known] = gathering.get(id)?.got.values() ?? []
      if (known !== undefined && !isOfSame(known, segment)) {
        drop(id)
        return { problem: `the parts of ${id} are not of one segment`, evicted: [] }
      }
      const { got } = put(segment)
      if (got.size === parts) {
        drop(id)
        const inOrder = [...got.values()].sort((a, b) => a.part - b.part)
        return { whole: joined(segment, inOrder), evicted: [] }
      }
      return { evicted: evict(id) }
    },
    get size() {
      return gathering.size
    },
    write(writer) {
      const all = [...gathering.values()].flatMap(({ got }) => [...got.values()])
      writer.uint(all.length)
      for (const segment of all) writeSegment(writer, segment)
    },
    read(reader) {
      gathering.clear()
      items = 0
      for (let count = reader.uint(); count > 0; count--) {
        const segment = readSegment(reader)
        if (reader.moved?.isElsewhere(segment.symbol) !== true) put(segment)
      }
    },
  }
}

const tradeNumbers = ['eventTime', 'price', 'size', 'tradeId', 'sequence'] as const
const candleNumbers = ['start', 'open', 'high', 'low', 'close', 'volume', 'quoteVolume', 'buyVolume', 'trades'] as const

function writeSegment(writer: ByteWriter, segment: HistorySegment): void {
  writer.text(segment.symbol)
  writer.f64(segment.bucketFrom)
  writer.f64(segment.bucketTo)
  writer.text(segment.id)
  writer.uint(segment.part)
  writer.uint(segment.parts)
  writer.byte(segment.kind === 'trades' ? 0 : 1)
  writer.uint(itemsOf(segment))
  if (segment.kind === 'trades')
    for (const trade of segment.trades) {
      for (const name of tradeNumbers) writer.f64(trade[name])
      writer.byte(sideNames.indexOf(trade.side))
    }
  else for (const candle of segment.candles) for (const name of candleNumbers) writer.f64(candle[name])
}

function readSegment(reader: ByteReader): HistorySegment {
  const symbol = reader.text()
  const bucketFrom = reader.f64()
  const bucketTo = reader.f64()
  const id = reader.text()
  const part = reader.uint()
  const parts = reader.uint()
  const isTrades = reader.byte() === 0
  const count = reader.uint()
  const all = { symbol, bucketFrom, bucketTo, id, part, parts }
  const items = <T>(read: () => T): T[] => Array.from({ length: count }, read)
  return isTrades
    ? { ...all, kind: 'trades', trades: items(() => readTrade(reader)) }
    : { ...all, kind: 'candles', candles: items(() => readCandle(reader)) }
}

function readTrade(reader: ByteReader): HistoryTrade {
  const eventTime = reader.f64()
  const price = reader.f64()
  const size = reader.f64()
  const tradeId = reader.f64()
  const sequence = reader.f64()
  const side: Side = sideNames[reader.byte()] ?? 'unknown'
  return { eventTime, price, size, tradeId, sequence, side }
}

function readCandle(reader: ByteReader): HistoryCandle {
  const start = reader.f64()
  const open = reader.f64()
  const high = reader.f64()
  const low = reader.f64()
  const close = reader.f64()
  const volume = reader.f64()
  const quoteVolume = reader.f64()
  const buyVolume = reader.f64()
  return { start, open, high, low, close, volume, quoteVolume, buyVolume, trades: reader.f64() }
}
