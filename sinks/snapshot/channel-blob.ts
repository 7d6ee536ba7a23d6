import type { ChannelSnapshot } from '../../ports/snapshot.ts'
import { type Candle, closedByNames, fillNames } from '../../schemas/candle.ts'

/** First byte of a blob; a blob that begins otherwise is as good as none. */
export const blobVersion = 1

/** version, then e, q, seq, offset as float64, partition and count as uint32, all big-endian: Lua reads e and q. */
const headBytes = 1 + 4 * 8 + 2 * 4
const candleNumbers = 17
const candleBytes = candleNumbers * 8 + 4

/** One channel as bytes; symbol and interval are in its key. */
export function packChannel({ e, q, seq, offset, partition, open }: ChannelSnapshot): Buffer {
  const blob = Buffer.allocUnsafe(headBytes + open.length * candleBytes)
  const view = new DataView(blob.buffer, blob.byteOffset, blob.length)
  view.setUint8(0, blobVersion)
  view.setFloat64(1, e)
  view.setFloat64(9, q)
  view.setFloat64(17, seq)
  view.setFloat64(25, offset)
  view.setUint32(33, partition)
  view.setUint32(37, open.length)
  for (const [i, candle] of open.entries()) packCandle(view, headBytes + i * candleBytes, candle)
  return blob
}

/** Number by number: a list of them would cost more than writing them. */
function packCandle(view: DataView, from: number, candle: Candle): void {
  let at = from
  const number = (value: number): void => {
    view.setFloat64(at, value)
    at += 8
  }
  number(candle.start)
  number(candle.end)
  number(candle.open)
  number(candle.high)
  number(candle.low)
  number(candle.close)
  number(candle.volume)
  number(candle.volumeLow)
  number(candle.quoteVolume)
  number(candle.quoteVolumeLow)
  number(candle.buyVolume)
  number(candle.buyVolumeLow)
  number(candle.trades)
  number(candle.firstTradeId)
  number(candle.lastTradeId)
  number(candle.revision)
  number(candle.seq)
  view.setUint8(at, closedByNames.indexOf(candle.closedBy))
  view.setUint8(at + 1, fillNames.indexOf(candle.fill))
  view.setUint8(at + 2, candle.final ? 1 : 0)
  view.setUint8(at + 3, candle.partial ? 1 : 0)
}

/** @returns undefined where the bytes are of another version, or torn. */
export function unpackChannel(symbol: string, interval: number, blob: Buffer): ChannelSnapshot | undefined {
  if (blob.length < headBytes || blob.readUInt8(0) !== blobVersion) return undefined
  const count = blob.readUInt32BE(headBytes - 4)
  if (blob.length !== headBytes + count * candleBytes) return undefined
  return {
    symbol,
    interval,
    e: blob.readDoubleBE(1),
    q: blob.readDoubleBE(9),
    seq: blob.readDoubleBE(17),
    offset: blob.readDoubleBE(25),
    partition: blob.readUInt32BE(33),
    open: Array.from({ length: count }, (_, i) => unpackCandle(symbol, interval, blob, headBytes + i * candleBytes)),
  }
}

function unpackCandle(symbol: string, interval: number, blob: Buffer, from: number): Candle {
  const number = (index: number) => blob.readDoubleBE(from + index * 8)
  const flag = (index: number) => blob.readUInt8(from + candleNumbers * 8 + index)
  return {
    symbol,
    interval,
    start: number(0),
    end: number(1),
    open: number(2),
    high: number(3),
    low: number(4),
    close: number(5),
    volume: number(6),
    volumeLow: number(7),
    quoteVolume: number(8),
    quoteVolumeLow: number(9),
    buyVolume: number(10),
    buyVolumeLow: number(11),
    trades: number(12),
    firstTradeId: number(13),
    lastTradeId: number(14),
    final: flag(2) === 1,
    revision: number(15),
    closedBy: closedByNames[flag(0)] ?? 'open',
    fill: fillNames[flag(1)] ?? 'traded',
    partial: flag(3) === 1,
    seq: number(16),
  }
}
