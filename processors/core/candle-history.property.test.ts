import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { HistorySegment } from '../../schemas/history.ts'
import { segmentParts } from '../../schemas/history-codec.ts'
import { storedIntervals } from '../../schemas/intervals.ts'
import { createRun, expectMerges, minute, tick, trade } from '../../test/history-run.ts'
import { asOracle, type OracleEntry, oracleOfLog } from '../../test/oracle.ts'
import { propertyMsMax, propertyRuns } from '../../test/property-runs.ts'
import { candleAt } from '../../test/segments.ts'

const intervals = Object.values(storedIntervals)

const symbols = ['A', 'B', 'C']
const steps = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant('tick' as const),
      symbol: fc.constantFrom(...symbols),
      step: fc.oneof(
        { weight: 6, arbitrary: fc.integer({ min: 0, max: 30_000 }) },
        { weight: 1, arbitrary: fc.integer({ min: 0, max: 1_000_000 }) },
      ),
      back: fc.integer({ min: 0, max: 499 }),
      price: fc.integer({ min: 1, max: 1_000_000 }),
      size: fc.integer({ min: 1, max: 1_000_000_000 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('segment' as const),
      symbol: fc.constantFrom(...symbols),
      from: fc.integer({ min: -40, max: 15 }),
      buckets: fc.integer({ min: 1, max: 30 }),
      isTrades: fc.boolean(),
      items: fc.array(fc.record({ at: fc.nat(), price: fc.integer({ min: 1, max: 1_000_000 }) }), { maxLength: 12 }),
      itemsOfPart: fc.integer({ min: 1, max: 12 }),
      /** Parts that come under the next marker. */
      held: fc.integer({ min: 0, max: 2 }),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: 'commit' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'pulse' as const }) },
)

// Goal: wherever history comes, and whatever commits and restarts lie between, the table is that of the oracle.
// Method: random ticks, segments before, at and ahead of the watermark, in parts, under random markers; exact oracle.
it(
  'ticks and segments in any order give the candles of the oracle',
  () => {
    fc.assert(
      fc.property(fc.array(steps, { minLength: 1, maxLength: 80 }), (list) => {
        const run = createRun()
        const entries: OracleEntry[] = []
        const ids = new Map<string, number>()
        let time = -3_000_000
        let held: HistorySegment[] = []
        let heldWhole: HistorySegment[] = []
        const one = (symbol: string, eventTime: number, price: number, size: number): void => {
          const tradeId = (ids.get(symbol) ?? 1000) + 1
          ids.set(symbol, tradeId)
          const made = tick({ symbol, eventTime, price, size, tradeId })
          entries.push({ tick: made })
          run.feed({ tick: made })
        }
        const mark = (segments: readonly HistorySegment[]): void => {
          run.commit()
          expectMerges(run.table)
          run.mark(segments)
        }
        for (const [i, each] of list.entries()) {
          if (each.kind === 'commit') run.commit()
          else if (each.kind === 'pulse') run.pipeline.pulse()
          else if (each.kind === 'restart') {
            run.commit()
            run.restart()
          } else if (each.kind === 'tick') {
            time += each.step
            one(each.symbol, time - each.back, each.price / 100, each.size / 1e8)
          } else {
            const bucketFrom = (Math.floor(time / minute) + each.from) * minute
            const bucketTo = bucketFrom + each.buckets * minute
            const all = { symbol: each.symbol, bucketFrom, bucketTo, id: `s${i}`, part: 0, parts: 1 }
            const segment: HistorySegment = each.isTrades
              ? {
                  ...all,
                  kind: 'trades',
                  trades: each.items.map(({ at, price }, n) =>
                    trade({ eventTime: bucketFrom + (at % (bucketTo - bucketFrom)), price: price / 100, tradeId: n }),
                  ),
                }
              : {
                  ...all,
                  kind: 'candles',
                  candles: [...new Map(each.items.map((item) => [item.at % each.buckets, item])).entries()].map(
                    ([n, { price }]) =>
                      candleAt(bucketFrom + n * minute, { volume: price / 7, quoteVolume: price / 3 }),
                  ),
                }
            const parts = segmentParts(segment, each.itemsOfPart)
            const now = parts.slice(0, Math.max(0, parts.length - each.held))
            entries.push(...heldWhole.map((whole) => ({ segment: whole })))
            heldWhole = []
            mark([...held, ...now])
            held = parts.slice(now.length)
            if (held.length === 0) entries.push({ segment })
            else heldWhole = [segment]
          }
        }
        entries.push(...heldWhole.map((whole) => ({ segment: whole })))
        mark(held)
        time += 3_600_000
        for (const symbol of symbols) one(symbol, time, 5, 5)
        run.feed({ control: { kind: 'end', line: 'test' } })
        run.commit()
        expectMerges(run.table)
        const key = (row: { symbol: string; interval: number; start: number }) =>
          `${row.symbol} ${row.interval} ${row.start}`
        const got = [...run.table.values()].filter((row) => row.trades > 0)
        expect(new Map(got.map((row) => [key(row), asOracle(row)]))).toEqual(
          new Map(oracleOfLog(entries, intervals).map((row) => [key(row), row])),
        )
        const { counts } = run.pipeline
        expect(counts.in).toBe(counts.used + counts.late + counts.duplicate + counts.rejected + counts.control)
        expect(counts.late).toBe(0)
      }),
      propertyRuns(200),
    )
  },
  propertyMsMax,
)
