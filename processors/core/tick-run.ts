import { type TickColumns, verdict as verdicts } from '../../schemas/columns.ts'
import { side as sides } from '../../schemas/tick.ts'
import { windowField, windowStatus, windowWidth } from './window-columns.ts'

// Constants of this module's own, and no call in the loop: see "Hot loops" in docs/hacking.md.
const field = windowField
const width = windowWidth
const { rejected, undecided } = verdicts
const { buy } = sides
const hot = windowStatus.live | windowStatus.changed | windowStatus.fresh
const splitter = 134_217_729 // 2^27 + 1

/** Where a run of ticks finds its windows and its lines. Arrays that grow are put in anew before each run. */
export interface TickRun {
  readonly sizeMs: number
  readonly outOfOrdernessMs: number
  /** Windows of a symbol, a power of two. */
  readonly places: number
  status: Uint8Array
  values: Float64Array
  /** By local symbol: its local line, -1 before its first tick. */
  lineOf: Int32Array
  /** By local line: the worker's id of it. */
  lineIds: Int32Array
  /** By local line. */
  watermark: Float64Array
  /** By local line: the watermark that closes something. */
  nextWatermark: Float64Array
  /** Ticks put into windows so far. */
  used: number
}

/**
 * Puts rows into their windows and moves the watermarks, for as long as nothing opens, closes or is late: the result does
 * not depend on the order of the ticks. The sums carry their rounding errors, as in `schemas/double-double.ts`.
 *
 * @returns The first row that it did not take.
 */
export function runTicks(run: TickRun, columns: TickColumns, from: number, to: number): number {
  const { local, line, eventTime, verdict, sequence, tradeId, price: prices, size: sizes, side } = columns
  const { status, values, lineOf, lineIds, watermark, nextWatermark, sizeMs } = run
  const places = run.places | 0
  const mask = (places - 1) | 0
  const behind = run.outOfOrdernessMs + 1
  const symbols = lineOf.length | 0
  const end = to | 0
  let used = 0
  let start = 0
  let next = 0
  let n = 0
  let place = 0
  let i = from | 0
  for (; i < end; i++) {
    const decided = verdict[i] as number
    if (decided === rejected) continue
    const s = local[i] as number
    if (s >= symbols) break
    const l = lineOf[s] as number
    if (l < 0 || lineIds[l] !== line[i]) break
    const time = eventTime[i] as number
    const moved = time - behind
    if (moved > (watermark[l] as number)) {
      if (moved >= (nextWatermark[l] as number)) break
      watermark[l] = moved
    }
    if (decided !== undecided) continue
    // Most ticks fall into the window of the one before.
    if (time < start || time >= next) {
      n = Math.floor(time / sizeMs)
      start = n * sizeMs
      next = start + sizeMs
      place = n & mask
    }
    const k = (Math.imul(s, places) + place) | 0
    const at = Math.imul(k, width)
    // A window that is hot has not expired: no tick for it is late.
    if (((status[k] as number) & hot) !== hot || values[at] !== n) break
    used = (used + 1) | 0
    const price = prices[i] as number
    const size = sizes[i] as number
    values[(at + field.trades) | 0] = (values[(at + field.trades) | 0] as number) + 1
    if (price > (values[(at + field.high) | 0] as number)) values[(at + field.high) | 0] = price
    if (price < (values[(at + field.low) | 0] as number)) values[(at + field.low) | 0] = price
    const closeTime = values[(at + field.closeTime) | 0] as number
    if (time >= closeTime) {
      const order = sequence[i] as number
      const id = tradeId[i] as number
      const other = values[(at + field.closeSequence) | 0] as number
      if (
        time > closeTime ||
        order > other ||
        (order === other && id >= (values[(at + field.closeId) | 0] as number))
      ) {
        values[(at + field.close) | 0] = price
        values[(at + field.closeTime) | 0] = time
        values[(at + field.closeSequence) | 0] = order
        values[(at + field.closeId) | 0] = id
      }
    }
    const openTime = values[(at + field.openTime) | 0] as number
    if (time <= openTime) {
      const order = sequence[i] as number
      const id = tradeId[i] as number
      const other = values[(at + field.openSequence) | 0] as number
      if (time < openTime || order < other || (order === other && id < (values[(at + field.openId) | 0] as number))) {
        values[(at + field.open) | 0] = price
        values[(at + field.openTime) | 0] = time
        values[(at + field.openSequence) | 0] = order
        values[(at + field.openId) | 0] = id
      }
    }

    const volume = values[(at + field.volume) | 0] as number
    const volumeSum = volume + size
    const volumePart = volumeSum - volume
    values[(at + field.volume) | 0] = volumeSum
    values[(at + field.volumeLow) | 0] =
      (values[(at + field.volumeLow) | 0] as number) + (volume - (volumeSum - volumePart) + (size - volumePart))

    const product = price * size
    const quote = values[(at + field.quoteVolume) | 0] as number
    const quoteSum = quote + product
    const quotePart = quoteSum - quote
    const pc = splitter * price
    const ph = pc - (pc - price)
    const pl = price - ph
    const sc = splitter * size
    const sh = sc - (sc - size)
    const sl = size - sh
    values[(at + field.quoteVolume) | 0] = quoteSum
    values[(at + field.quoteVolumeLow) | 0] =
      (values[(at + field.quoteVolumeLow) | 0] as number) +
      (quote - (quoteSum - quotePart) + (product - quotePart)) +
      (pl * sl - (product - ph * sh - pl * sh - ph * sl))

    // A sale adds nothing: sides come at random, and a branch would be foretold wrongly every second time.
    const bought = side[i] === buy ? size : 0
    const buyVolume = values[(at + field.buyVolume) | 0] as number
    const buySum = buyVolume + bought
    const buyPart = buySum - buyVolume
    values[(at + field.buyVolume) | 0] = buySum
    values[(at + field.buyVolumeLow) | 0] =
      (values[(at + field.buyVolumeLow) | 0] as number) + (buyVolume - (buySum - buyPart) + (bought - buyPart))
  }
  run.used += used
  return i
}
