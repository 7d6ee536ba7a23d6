import type { ChannelSnapshot } from '../../ports/snapshot.ts'
import { type Candle, closedByNames, fillNames } from '../../schemas/candle.ts'

/** First byte of a blob; a blob that begins otherwise is as good as none. */
export const blobVersion = 1

/** version, then e, q, seq, offset as float64, partition and count as uint32, all big-endian: Lua reads e and q. */
const headBytes = 1 + 4 * 8 + 2 * 4
const candleNumbers = 17
const candleBytes = candleNumbers * 8 + 4

/** One channel as bytes; symbol and interval are in its key. */
export function packChannel(channel: ChannelSnapshot): Buffer {
  const blob = Buffer.allocUnsafe(headBytes + channel.open.length * candleBytes)
  let at = blob.writeUInt8(blobVersion, 0)
  for (const value of [channel.e, channel.q, channel.seq, channel.offset]) at = blob.writeDoubleBE(value, at)
  at = blob.writeUInt32BE(channel.partition, at)
  at = blob.writeUInt32BE(channel.open.length, at)
  for (const candle of channel.open) {
    for (const value of numbersOf(candle)) at = blob.writeDoubleBE(value, at)
    at = blob.writeUInt8(closedByNames.indexOf(candle.closedBy), at)
    at = blob.writeUInt8(fillNames.indexOf(candle.fill), at)
    at = blob.writeUInt8(candle.final ? 1 : 0, at)
    at = blob.writeUInt8(candle.partial ? 1 : 0, at)
  }
  return blob
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

function numbersOf(c: Candle): readonly number[] {
  return [
    ...[c.start, c.end, c.open, c.high, c.low, c.close],
    ...[c.volume, c.volumeLow, c.quoteVolume, c.quoteVolumeLow, c.buyVolume, c.buyVolumeLow],
    ...[c.trades, c.firstTradeId, c.lastTradeId, c.revision, c.seq],
  ]
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
