import type { Api } from './api.ts'
import { barsMax, type CandleBook } from './candle-book.ts'
import type { View } from './route.ts'

/** Candles asked for in one page. */
const pageBars = 500
/** Older candles are asked for when fewer than this are left beyond the edge. */
const aheadBars = 60
/** Pages without a candle, one after another, before the beginning is taken to be reached. */
const emptyPagesMax = 20
/** The same where the server does not say when the symbol began. */
const emptyPagesMaxUnknown = 3
/** Wait after a page that failed, in ms. */
const retryMs = 5000

export interface HistoryTarget {
  readonly view: View
  readonly intervalMs: number
  readonly book: CandleBook
  /** Start of the symbol's first candle, epoch ms; undefined where unknown. */
  readonly first: () => number | undefined
  readonly onLoaded: () => void
  readonly onFailed: (status: number) => void
}

export type History = ReturnType<typeof createHistory>

/** Loads older candles page by page, one request at a time, until the symbol's first candle or `barsMax`. */
export function createHistory(api: Api, target: HistoryTarget) {
  const { view, intervalMs, book } = target
  let busy = false
  let notBefore = 0
  let emptyPages = 0
  let reached = Number.POSITIVE_INFINITY

  function atBeginning(to: number): boolean {
    const first = target.first()
    if (book.bars().length >= barsMax) return true
    return first === undefined ? emptyPages >= emptyPagesMaxUnknown : to <= first || emptyPages >= emptyPagesMax
  }

  return {
    /** @param barsLeft Candles between the left edge and the oldest one; negative beyond it. */
    async need(barsLeft: number): Promise<void> {
      const oldest = book.bars()[0]?.start ?? Math.ceil(Date.now() / intervalMs) * intervalMs
      const to = Math.min(oldest, reached)
      if (busy || barsLeft >= aheadBars || Date.now() < notBefore || atBeginning(to)) return
      busy = true
      const from = Math.max(0, to - pageBars * intervalMs)
      const page = await api.history({ symbol: view.symbol, interval: view.interval, from, to, limit: pageBars })
      busy = false
      if (!page.ok) {
        notBefore = Date.now() + retryMs
        target.onFailed(page.status)
        return
      }
      reached = from
      emptyPages = page.value.length === 0 ? emptyPages + 1 : 0
      book.history(page.value)
      target.onLoaded()
    },
  }
}
