import type { StoredRecord } from '../../ports/broker.ts'
import { controlHeader } from '../../schemas/control.ts'
import { storedIntervals } from '../../schemas/intervals.ts'
import { type OracleCandle, type OracleTick, oracleCandles } from '../oracle.ts'
import type { Known } from './workload.ts'

/** What a whole log comes to, told without a line of the engine. */
export interface LogOracle {
  readonly candles: readonly OracleCandle[]
  /** `partition@offset reason` of every record that is refused. */
  readonly refused: readonly string[]
  /** How many ticks are late, and how many repeated: by `partition late` and `partition duplicate`. */
  readonly skipped: ReadonlyMap<string, number>
  readonly used: number
}

// As `topology/candles.ts` says.
const outOfOrdernessMs = 500
const allowedLatenessMs = 120_000
const baseMs = 60_000

/** @param log Records by partition, in the order of their offsets. */
export function oracleOf(
  log: ReadonlyMap<number, readonly StoredRecord[]>,
  known: ReadonlyMap<string, Known>,
): LogOracle {
  const used: OracleTick[] = []
  const refused: string[] = []
  const skipped = new Map<string, number>()
  const skip = (partition: number, reason: 'late' | 'duplicate'): void =>
    void skipped.set(`${partition} ${reason}`, (skipped.get(`${partition} ${reason}`) ?? 0) + 1)
  for (const [partition, records] of log) {
    const seen = new Set<string>()
    const watermarks = new Map<string, number>()
    for (const { offset, value, headers } of records) {
      if (headers[controlHeader] !== undefined) continue
      const what = known.get(value?.toString('hex') ?? '')
      if (what === undefined) throw new Error(`nobody sent ${partition}@${offset}`)
      if ('refused' in what) {
        refused.push(`${partition}@${offset} ${what.refused}`)
        continue
      }
      const { tick } = what
      const { symbol, eventTime, tradeId, line } = tick
      const watermark = Math.max(watermarks.get(line) ?? Number.NEGATIVE_INFINITY, eventTime - outOfOrdernessMs - 1)
      watermarks.set(line, watermark)
      const end = Math.floor(eventTime / baseMs) * baseMs + baseMs
      const isRepeated = seen.has(`${symbol} ${tradeId}`)
      seen.add(`${symbol} ${tradeId}`)
      if (isRepeated) skip(partition, 'duplicate')
      else if (watermark >= end - 1 + allowedLatenessMs) skip(partition, 'late')
      else used.push(tick)
    }
  }
  return { candles: oracleCandles(used, Object.values(storedIntervals)), refused, skipped, used: used.length }
}
