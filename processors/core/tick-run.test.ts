import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createTickColumns, type TickColumns, verdict } from '../../schemas/columns.ts'
import { side } from '../../schemas/tick.ts'
import { exact, times } from '../../test/exact.ts'
import { propertyRuns } from '../../test/property-runs.ts'
import { runTicks, type TickRun } from './tick-run.ts'
import { createWindowColumns, windowField as field, resetWindow, windowStatus, windowWidth } from './window-columns.ts'

interface Row {
  readonly local?: number
  readonly line?: number
  readonly eventTime?: number
  readonly price?: number
  readonly size?: number
  readonly side?: number
  readonly tradeId?: number
  readonly sequence?: number
  readonly verdict?: number
}

const usual = { local: 0, line: 70, eventTime: 0, price: 100, size: 1, side: side.buy, tradeId: 1, sequence: 1 }
function columnsOf(rows: readonly Row[]): TickColumns {
  const columns = createTickColumns(rows.length)
  for (const [i, row] of rows.entries())
    for (const [name, value] of Object.entries({ ...usual, verdict: verdict.undecided, ...row }))
      Reflect.get(columns, name)[i] = value
  columns.length = rows.length
  return columns
}

const hot = windowStatus.live | windowStatus.changed | windowStatus.fresh
/** Three symbols with four windows of 10 ms each; the third symbol is of no line. Windows 0 to 3 of the first two are hot, the last under another number if given. */
function createRun(last = 3): TickRun {
  const windows = createWindowColumns(12)
  for (const s of [0, 1]) for (const n of [0, 1, 2, 3]) resetWindow(windows, s * 4 + n, n === 3 ? last : n, hot)
  return {
    ...{ sizeMs: 10, outOfOrdernessMs: 5, places: 4, status: windows.status, values: windows.values, used: 0 },
    lineOf: Int32Array.of(0, 1, -1),
    lineIds: Int32Array.of(70, 71),
    watermark: Float64Array.of(-50, -50),
    nextWatermark: Float64Array.of(19, 19),
  }
}
const numberOf = (run: TickRun, k: number, name: keyof typeof field): number | undefined =>
  run.values[k * windowWidth + field[name]]
const tradesOf = (run: TickRun): unknown[] => Array.from(run.status, (_, k) => numberOf(run, k, 'trades'))
/** The first window of the first symbol after these ticks. */
function windowAfter(rows: readonly Row[]): (name: keyof typeof field) => number | undefined {
  const run = createRun()
  expect(runTicks(run, columnsOf(rows), 0, rows.length)).toBe(rows.length)
  return (name) => numberOf(run, 0, name)
}

describe('a run of ticks', () => {
  it('takes rows from the first to the last that are given, each into the window of its time', () => {
    const run = createRun()
    const rows = columnsOf([0, 9, 10, 19, 10, 9, 0, 20, 0].map((eventTime) => ({ eventTime })))
    expect(runTicks(run, rows, 1, 8)).toBe(8)
    expect(tradesOf(run)).toEqual([3, 3, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    expect(run.used).toBe(7)
    expect(runTicks(run, rows, 8, 9)).toBe(9)
    expect(run.used).toBe(8)
  })
  it('keeps the windows of symbols apart', () => {
    const run = createRun()
    const rows = columnsOf([{}, { local: 1, line: 71 }, { local: 1, line: 71, eventTime: 11 }, { eventTime: 11 }, {}])
    expect(runTicks(run, rows, 0, 5)).toBe(5)
    expect(tradesOf(run)).toEqual([2, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0])
  })
  it('knows windows before 1970', () => {
    const run = createRun(-1)
    expect(runTicks(run, columnsOf([{ eventTime: -1 }, { eventTime: -10 }, { eventTime: -11 }]), 0, 3)).toBe(2)
    expect(tradesOf(run)).toEqual([0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0])
  })
  it.each<{ name: string; row: Row }>([
    { name: 'of a symbol that is not known', row: { local: 3 } },
    { name: 'of a symbol without a line', row: { local: 2 } },
    { name: 'of another line', row: { line: 71 } },
    { name: 'of a window that is not there', row: { eventTime: 40 } },
    { name: 'that closes something', row: { eventTime: 25 } },
  ])('stops at a row $name', ({ row }) => {
    const run = createRun()
    expect(runTicks(run, columnsOf([{}, row, {}]), 0, 3)).toBe(1)
    expect([run.used, ...run.watermark]).toEqual([1, -6, -50])
  })
  it.each([windowStatus.live, windowStatus.changed, windowStatus.fresh])(
    'stops at a window without the bit %i',
    (bit) => {
      const run = createRun()
      run.status[0] = hot & ~bit
      expect(runTicks(run, columnsOf([{}]), 0, 1)).toBe(0)
      expect(tradesOf(run)).toEqual(Array(12).fill(0))
    },
  )
  it('moves the watermark of a line by its ticks, and never back', () => {
    const run = createRun()
    const rows = columnsOf([{ eventTime: 24 }, { eventTime: 3 }, { local: 1, line: 71, eventTime: 7 }])
    expect(runTicks(run, rows, 0, 3)).toBe(3)
    expect([...run.watermark]).toEqual([18, 1])
  })
  it('lets duplicates move the watermark, and rejected ones move nothing', () => {
    const run = createRun()
    const rows = columnsOf([
      { eventTime: 24, verdict: verdict.rejected },
      { eventTime: 12, verdict: verdict.duplicate },
    ])
    expect(runTicks(run, rows, 0, 2)).toBe(2)
    expect([run.used, run.watermark[0]]).toEqual([0, 6])
    expect(tradesOf(run)).toEqual(Array(12).fill(0))
  })
})

describe('the edges of a window', () => {
  const first: Row = { eventTime: 5, sequence: 5, tradeId: 5, price: 1 }
  const edges = (second: Row): unknown => {
    const number = windowAfter([first, { ...second, price: 2 }])
    return {
      open: ['open', 'openTime', 'openSequence', 'openId'].map((name) => number(name as keyof typeof field)),
      close: ['close', 'closeTime', 'closeSequence', 'closeId'].map((name) => number(name as keyof typeof field)),
    }
  }
  const one = [1, 5, 5, 5]
  it.each<{ name: string; second: Row; open: number[]; close: number[] }>([
    { name: 'earlier', second: { eventTime: 4, sequence: 9, tradeId: 9 }, open: [2, 4, 9, 9], close: one },
    { name: 'later', second: { eventTime: 6, sequence: 1, tradeId: 1 }, open: one, close: [2, 6, 1, 1] },
    {
      name: 'of a smaller sequence',
      second: { eventTime: 5, sequence: 4, tradeId: 9 },
      open: [2, 5, 4, 9],
      close: one,
    },
    {
      name: 'of a greater sequence',
      second: { eventTime: 5, sequence: 6, tradeId: 1 },
      open: one,
      close: [2, 5, 6, 1],
    },
    { name: 'of a smaller id', second: { eventTime: 5, sequence: 5, tradeId: 4 }, open: [2, 5, 5, 4], close: one },
    { name: 'of a greater id', second: { eventTime: 5, sequence: 5, tradeId: 6 }, open: one, close: [2, 5, 5, 6] },
    { name: 'alike in all', second: { eventTime: 5, sequence: 5, tradeId: 5 }, open: one, close: [2, 5, 5, 5] },
  ])('and a tick $name', ({ second, open, close }) => {
    expect(edges(second)).toEqual({ open, close })
  })
})

describe('the sums of a window', () => {
  it('have high and low, and buys apart', () => {
    const number = windowAfter([
      { price: 3, size: 2, side: side.sell },
      { price: 5, size: 4, side: side.buy },
      { price: 4, size: 8, side: side.unknown },
    ])
    expect([number('high'), number('low'), number('trades')]).toEqual([5, 3, 3])
    expect([number('volume'), number('buyVolume'), number('quoteVolume')]).toEqual([14, 4, 58])
    expect([number('volumeLow'), number('buyVolumeLow'), number('quoteVolumeLow')]).toEqual([0, 0, 0])
  })
  // Goal: nothing is lost by rounding: neither of a product, nor of sums that differ by many orders.
  // Method: amounts with every bit set at random, against integers; parts that a pair of doubles can hold must be exact.
  it('lose nothing to rounding', () => {
    const amount = fc.double({ min: 1e-6, max: 1e6, noNaN: true })
    fc.assert(
      fc.property(amount, amount, amount, (price, size, other) => {
        const sumOf = (rows: readonly Row[], name: 'volume' | 'buyVolume' | 'quoteVolume'): bigint => {
          const number = windowAfter(rows)
          return [number(name), number(`${name}Low`)].reduce((sum, part) => sum + (part ? exact(part) : 0n), 0n)
        }
        expect(sumOf([{ price, size }], 'quoteVolume')).toBe(times(exact(price), exact(size)))
        const two = [size, other].map((one) => ({ price: 2, size: one }))
        const sum = exact(size) + exact(other)
        expect(sumOf(two, 'volume')).toBe(sum)
        expect(sumOf(two, 'buyVolume')).toBe(sum)
        expect(sumOf(two, 'quoteVolume')).toBe(2n * sum)
      }),
      propertyRuns(200),
    )
  })
  it('carry what was lost from tick to tick', () => {
    const rows = [2 ** 53, 1, 1, 1].map((size) => ({ price: 1, size }))
    const number = windowAfter(rows)
    for (const name of ['volume', 'buyVolume', 'quoteVolume'] as const)
      expect((number(name) ?? 0) - 2 ** 53 + (number(`${name}Low`) ?? 0)).toBe(3)
  })
})
