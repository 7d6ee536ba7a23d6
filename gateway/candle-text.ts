import type { Candle, Emission, Fill } from '../schemas/candle.ts'
import { decimalText, vwapText } from '../schemas/decimal-text.ts'
import { intervalName } from '../schemas/intervals.ts'

/** A candle in a frame: start in epoch ms, open, high, low, close, volume as decimal text, number of trades. */
export type CandleRow = readonly [number, string, string, string, string, string, number]

export function candleRow(candle: Candle): CandleRow {
  return [
    candle.start,
    decimalText(candle.open),
    decimalText(candle.high),
    decimalText(candle.low),
    decimalText(candle.close),
    decimalText(candle.volume),
    candle.trades,
  ]
}

/**
 * The `u` frame of an emission, as JSON text.
 *
 * @param previousQ The number that the receiver holds; named as `pq` where it is not the one before.
 * @param seqMax What is final above it the receiver may lack: it is told no higher `seq`.
 */
export function updateText(ch: number, emission: Emission, previousQ: number, seqMax: number): string {
  const { candle, kind, q } = emission
  const pq = previousQ === q - 1 ? '' : `,"pq":${previousQ}`
  const flags =
    kind === 'update' ? '"x":0' : `"x":1${kind === 'correction' ? ',"r":1' : ''},"seq":${Math.min(candle.seq, seqMax)}`
  return `{"type":"u","ch":${ch},"q":${q}${pq},"k":${JSON.stringify(candleRow(candle))},${flags}}`
}

/** One row of a `b` frame, as JSON text: an interim update; `pq` ends it where it is not the one before. */
export function packedUpdateText(ch: number, emission: Emission, previousQ: number): string {
  const { candle, q } = emission
  const pq = previousQ === q - 1 ? '' : `,${previousQ}`
  return `[${ch},${q},${JSON.stringify(candleRow(candle)).slice(1, -1)},0${pq}]`
}

/** One candle of a REST answer; times in epoch ms, prices and sizes decimal text. */
export interface CandleJson {
  readonly symbol: string
  readonly interval: string
  readonly start: number
  readonly end: number
  readonly open: string
  readonly high: string
  readonly low: string
  readonly close: string
  readonly volume: string
  readonly quoteVolume: string
  readonly vwap: string | null
  readonly trades: number
  readonly final: boolean
  readonly revision: number
  /** What is known of a window, where it is not that its trades came. */
  readonly fill?: Exclude<Fill, 'traded'>
  /** Some of its trades are known to be missing. */
  readonly partial?: true
}

/** @param interval Name of the interval, where it is not one of the stored ones. */
export function candleJson(candle: Candle, interval: string = intervalName(candle.interval)): CandleJson {
  const vwap = vwapText(candle)
  return {
    symbol: candle.symbol,
    interval,
    start: candle.start,
    end: candle.end,
    open: decimalText(candle.open),
    high: decimalText(candle.high),
    low: decimalText(candle.low),
    close: decimalText(candle.close),
    volume: decimalText(candle.volume),
    quoteVolume: decimalText(candle.quoteVolume),
    vwap: vwap === '' ? null : vwap,
    trades: candle.trades,
    final: candle.final,
    revision: candle.revision,
    ...(candle.fill === 'traded' ? {} : { fill: candle.fill }),
    ...(candle.partial ? { partial: true as const } : {}),
  }
}
