import { expect, it } from 'vitest'
import { emissionNames } from '../../schemas/candle.ts'
import { type CandleColumns, createCandleColumns } from '../../schemas/candle-columns.ts'
import { Interner } from '../../schemas/interner.ts'
import { createSymbolIndex } from './symbol-index.ts'
import { createWindowColumns, resetWindow, windowField, windowStatus, windowWidth } from './window-columns.ts'
import { createWindowOutput } from './window-output.ts'

const { live, fired, published } = windowStatus

/** A base ring of four windows of one symbol; window `k` is that of minute `k`, with `k + 1` trades. */
function rig() {
  const names = new Interner()
  const symbols = createSymbolIndex(names)
  const s = symbols.localOf(names.internName('A'))
  const base = { sizeMs: 60_000, places: 4, columns: createWindowColumns(4) }
  for (let k = 0; k < 4; k++) {
    resetWindow(base.columns, k, k, live | fired)
    base.columns.values[k * windowWidth + windowField.trades] = k + 1
  }
  const output = createWindowOutput({ symbols, base, isMissingTrades: () => false, compose: () => base.columns })
  const said = (rows: CandleColumns): unknown[] =>
    Array.from({ length: rows.length }, (_, i) => [
      emissionNames[rows.kind[i] ?? 0],
      (rows.start[i] ?? 0) / 60_000,
      rows.trades[i],
    ])
  const trade = (k: number): void => {
    const at = k * windowWidth + windowField.trades
    base.columns.values[at] = (base.columns.values[at] ?? 0) + 10
    base.columns.status[k] = live | fired | published
  }
  return { output, base, s, said, trade }
}

it('rows that are kept are given once, in their order, by a barrier', () => {
  const { output, base, s, said } = rig()
  for (const k of [2, 0]) expect(output.keep(s, base, k)).toBe(true)
  expect(output.hasKept).toBe(true)
  const [out, spoken] = [createCandleColumns(), createCandleColumns()]
  output.append(spoken, s, base, 1)
  output.take(out, spoken)
  const first = [
    ['final', 2, 3],
    ['final', 0, 1],
    ['final', 1, 2],
  ]
  expect(said(out)).toEqual(first)
  expect([output.hasKept, spoken.length]).toEqual([false, 0])
  output.keep(s, base, 3)
  const next = createCandleColumns()
  output.take(next, spoken)
  expect([said(next), said(out)]).toEqual([[['final', 3, 4]], first])
})

it('what was said before them stays', () => {
  const { output, base, s, said } = rig()
  const out = createCandleColumns()
  output.append(out, s, base, 3)
  output.keep(s, base, 0)
  output.take(out, createCandleColumns())
  expect(said(out)).toEqual([
    ['final', 3, 4],
    ['final', 0, 1],
  ])
})

it('of a window that lives on the last word counts, said as its first: kept again, of a row, or spoken', () => {
  const { output, base, s, said, trade } = rig()
  output.keep(s, base, 3)
  for (const k of [0, 1, 2]) output.keepLive(s, base, k)
  for (const k of [0, 1, 2]) trade(k)
  output.keepLive(s, base, 0)
  output.keepRow(s, 60_000, base.columns, 1)
  const [out, spoken] = [createCandleColumns(), createCandleColumns()]
  output.append(spoken, s, base, 2)
  output.take(out, spoken)
  expect(said(out)).toEqual([
    ['final', 3, 4],
    ['final', 0, 11],
    ['final', 1, 12],
    ['final', 2, 13],
  ])
  output.keepRow(s, 60_000, base.columns, 0)
  trade(0)
  output.keepRow(s, 60_000, base.columns, 0)
  const next = createCandleColumns()
  output.take(next, spoken)
  expect(said(next)).toEqual([['correction', 0, 21]])
})

it('what is kept of a symbol is found by its interval; a window that comes to nothing is not kept', () => {
  const { output, base, s, said } = rig()
  resetWindow(base.columns, 1, 1, live | fired)
  expect(output.keep(s, base, 0)).toBe(true)
  expect(output.keep(s, base, 1)).toBe(false)
  output.keepRow(s, 300_000, base.columns, 2)
  output.keepRow(s, 60_000, base.columns, 3)
  const kept = (seconds: number): unknown[] => {
    const out = createCandleColumns()
    output.kept(s, seconds, out)
    return said(out)
  }
  expect(kept(60)).toEqual([
    ['final', 0, 1],
    ['final', 3, 4],
  ])
  expect(kept(300)).toHaveLength(1)
  output.take(createCandleColumns(), createCandleColumns())
  expect(kept(60)).toEqual([])
})
