import { twoSumError } from '../../schemas/double-double.ts'
import type { ByteReader, ByteWriter } from './byte-buffer.ts'

/** Bits of a window's status; 0 means that the place is free. */
export const windowStatus = {
  live: 1,
  /** Closed by something; later ticks are corrections. */
  fired: 2,
  /** A final of it went into a commit. */
  published: 4,
  /** Changed since the last commit. */
  changed: 8,
  /** Changed since the last pulse. */
  fresh: 16,
  /** Overlaps a time that the feed did not cover. */
  blind: 32,
} as const

const numeric = [
  'number',
  'open',
  'high',
  'low',
  'close',
  'openTime',
  'openSequence',
  'openId',
  'closeTime',
  'closeSequence',
  'closeId',
  'volume',
  'volumeLow',
  'quoteVolume',
  'quoteVolumeLow',
  'buyVolume',
  'buyVolumeLow',
  'trades',
] as const

type NumericColumn = (typeof numeric)[number]

/** Windows as typed arrays; `number` is floor(start / size). A window with 0 trades holds nothing yet. */
export type WindowColumns = { [Column in NumericColumn]: Float64Array<ArrayBuffer> } & {
  status: Uint8Array<ArrayBuffer>
  closedBy: Uint8Array<ArrayBuffer>
}

export function createWindowColumns(capacity: number): WindowColumns {
  const column = () => new Float64Array(capacity)
  return {
    status: new Uint8Array(capacity),
    closedBy: new Uint8Array(capacity),
    number: column(),
    open: column(),
    high: column(),
    low: column(),
    close: column(),
    openTime: column(),
    openSequence: column(),
    openId: column(),
    closeTime: column(),
    closeSequence: column(),
    closeId: column(),
    volume: column(),
    volumeLow: column(),
    quoteVolume: column(),
    quoteVolumeLow: column(),
    buyVolume: column(),
    buyVolumeLow: column(),
    trades: column(),
  }
}

/** Makes room for at least `capacity` windows, in place. */
export function growWindowColumns(columns: WindowColumns, capacity: number): void {
  const size = Math.max(columns.status.length * 2, capacity)
  for (const name of numeric) {
    const larger = new Float64Array(size)
    larger.set(columns[name])
    columns[name] = larger
  }
  for (const name of ['status', 'closedBy'] as const) {
    const larger = new Uint8Array(size)
    larger.set(columns[name])
    columns[name] = larger
  }
}

/** Whether (time, sequence, id) a comes before b. */
export function isBefore(at: number, as: number, ai: number, bt: number, bs: number, bi: number): boolean {
  return at !== bt ? at < bt : as !== bs ? as < bs : ai < bi
}

/** Copies the content (not the status) of one window over another. */
export function copyWindow(to: WindowColumns, t: number, from: WindowColumns, f: number): void {
  for (const name of numeric) to[name][t] = from[name][f] as number
}

/** Merges the content of one window into another: the result is that of all their ticks, in any order. */
export function mergeWindow(to: WindowColumns, t: number, from: WindowColumns, f: number): void {
  if (from.trades[f] === 0) return
  if (to.trades[t] === 0) {
    const number = to.number[t] as number
    copyWindow(to, t, from, f)
    to.number[t] = number
    return
  }
  mergeEdges(to, t, from, f)
  const high = from.high[f] as number
  const low = from.low[f] as number
  if (high > (to.high[t] as number)) to.high[t] = high
  if (low < (to.low[t] as number)) to.low[t] = low
  addDoubleDouble(to.volume, to.volumeLow, t, from.volume[f] as number, from.volumeLow[f] as number)
  addDoubleDouble(to.quoteVolume, to.quoteVolumeLow, t, from.quoteVolume[f] as number, from.quoteVolumeLow[f] as number)
  addDoubleDouble(to.buyVolume, to.buyVolumeLow, t, from.buyVolume[f] as number, from.buyVolumeLow[f] as number)
  to.trades[t] = (to.trades[t] as number) + (from.trades[f] as number)
}

function mergeEdges(to: WindowColumns, t: number, from: WindowColumns, f: number): void {
  const ot = from.openTime[f] as number
  const os = from.openSequence[f] as number
  const oi = from.openId[f] as number
  if (isBefore(ot, os, oi, to.openTime[t] as number, to.openSequence[t] as number, to.openId[t] as number)) {
    to.open[t] = from.open[f] as number
    to.openTime[t] = ot
    to.openSequence[t] = os
    to.openId[t] = oi
  }
  const ct = from.closeTime[f] as number
  const cs = from.closeSequence[f] as number
  const ci = from.closeId[f] as number
  if (!isBefore(ct, cs, ci, to.closeTime[t] as number, to.closeSequence[t] as number, to.closeId[t] as number)) {
    to.close[t] = from.close[f] as number
    to.closeTime[t] = ct
    to.closeSequence[t] = cs
    to.closeId[t] = ci
  }
}

function addDoubleDouble(high: Float64Array, low: Float64Array, at: number, h: number, l: number): void {
  const a = high[at] as number
  const sum = a + h
  const error = twoSumError(a, h, sum) + (low[at] as number) + l
  const rounded = sum + error
  high[at] = rounded
  low[at] = twoSumError(sum, error, rounded)
}

/** Empties a window and gives it its number. */
export function resetWindow(columns: WindowColumns, at: number, number: number, status: number): void {
  columns.status[at] = status
  columns.closedBy[at] = 0
  columns.number[at] = number
  columns.trades[at] = 0
  columns.volume[at] = columns.volumeLow[at] = 0
  columns.quoteVolume[at] = columns.quoteVolumeLow[at] = 0
  columns.buyVolume[at] = columns.buyVolumeLow[at] = 0
}

/** Writes a live window; `changed` and `fresh` are of this process alone. */
export function writeWindow(writer: ByteWriter, columns: WindowColumns, at: number): void {
  const { live, fired, published, blind } = windowStatus
  writer.byte((columns.status[at] as number) & (live | fired | published | blind))
  writer.byte(columns.closedBy[at] as number)
  for (const name of numeric) writer.f64(columns[name][at] as number)
}

export interface ReadWindow {
  readonly status: number
  readonly closedBy: number
  readonly values: Float64Array
}

export function readWindow(reader: ByteReader): ReadWindow {
  const status = reader.byte()
  const closedBy = reader.byte()
  const values = new Float64Array(numeric.length)
  for (let i = 0; i < values.length; i++) values[i] = reader.f64()
  return { status, closedBy, values }
}

export function putWindow(columns: WindowColumns, at: number, window: ReadWindow): void {
  columns.status[at] = window.status
  columns.closedBy[at] = window.closedBy
  for (const [i, name] of numeric.entries()) columns[name][at] = window.values[i] as number
}
