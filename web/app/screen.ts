import type { Api } from './api.ts'
import { type BookChange, createCandleBook } from './candle-book.ts'
import { type CandleChart, createCandleChart } from './chart.ts'
import { listenToChartKeys } from './chart-keys.ts'
import { element, setText } from './element.ts'
import { groupedDecimal } from './format.ts'
import { createHistory, type History } from './history.ts'
import { createLegend, digitsOf } from './legend.ts'
import type { Bar } from './protocol.ts'
import { intervals, type View } from './route.ts'

interface ScreenOptions {
  readonly api: Api
  /** Start of a symbol's first candle, epoch ms. */
  readonly firstOf: (symbol: string) => number | undefined
  /** Start (epoch ms) and first price of a symbol's last UTC day. */
  readonly dayOf: (symbol: string) => { readonly start: number; readonly open: string } | undefined
  readonly onUnauthorised: () => void
}

const dayMs = 86_400_000
const hiddenMs = 1000

/** Chart, legend and notice of one view; what arrives between two frames is drawn once. */
export function createScreen(options: ScreenOptions) {
  const legend = createLegend()
  const notice = element('notice', HTMLElement)
  const toLatest = element('to-latest', HTMLButtonElement)
  const host = element('chart', HTMLElement)
  const changed = new Map<number, Bar>()
  let view: View | undefined
  let intervalMs = 60_000
  let book = createCandleBook()
  let history: History | undefined
  let hovered: number | undefined
  let digits = 0
  let drawn = false
  let redraw = false
  let frame = 0
  let quiet = ''

  const chart: CandleChart = createCandleChart({
    host,
    onHover(start) {
      hovered = start
      schedule()
    },
    onRange(barsLeft, atLatest) {
      toLatest.hidden = atLatest || book.bars().length === 0
      if (drawn) void history?.need(barsLeft)
    },
  })
  listenToChartKeys(host, chart, () => book)
  toLatest.addEventListener('click', () => chart.toLatest())

  function schedule(): void {
    // No frames come to a hidden page, but its title still tells the price.
    if (frame === 0) frame = document.hidden ? setTimeout(render, hiddenMs) : requestAnimationFrame(render)
  }

  function render(): void {
    frame = 0
    if (view === undefined) return
    drawBars()
    const shown = shownBar()
    const before = shown === undefined ? undefined : book.before(shown.start)
    const newest = book.newest()
    legend.render({ view, intervalMs, newest, shown, before, dayOpen: dayOpenAt(newest), digits })
    notice.hidden = newest !== undefined || quiet === ''
    setText(notice, quiet)
    const price = newest === undefined ? '' : `${groupedDecimal(newest.close, digits)} `
    document.title = `${price}${view.symbol} · Redwick`
  }

  /** First price of the day that `bar` belongs to. */
  function dayOpenAt(bar: Bar | undefined): number | undefined {
    const day = view === undefined ? undefined : options.dayOf(view.symbol)
    const same = bar !== undefined && day !== undefined && bar.start >= day.start && bar.start < day.start + dayMs
    return same ? Number(day.open) : undefined
  }

  function drawBars(): void {
    const bars = book.bars()
    for (const bar of redraw ? bars : changed.values()) digits = Math.max(digits, digitsOf(bar))
    if (redraw) chart.drawAll(bars, digits)
    else chart.draw(bars, changed.values(), digits)
    if (redraw && !drawn && bars.length > 0) {
      drawn = true
      chart.toLatest()
    }
    redraw = false
    changed.clear()
  }

  function shownBar(): Bar | undefined {
    return (hovered === undefined ? undefined : book.at(hovered)) ?? book.newest()
  }

  return {
    book: () => book,
    schedule,

    /** Empties the screen for another view. */
    show(next: View): void {
      view = next
      intervalMs = intervals.get(next.interval) ?? 60_000
      book = createCandleBook()
      hovered = undefined
      digits = 0
      drawn = false
      redraw = true
      quiet = `Loading ${next.symbol}`
      const shown = book
      history = createHistory(options.api, {
        view: next,
        intervalMs,
        book,
        first: () => options.firstOf(next.symbol),
        onLoaded() {
          if (shown !== book) return
          redraw = true
          schedule()
        },
        onFailed(status) {
          if (status === 401) options.onUnauthorised()
        },
      })
      schedule()
    },

    apply(change: BookChange): void {
      if (change.kind === 'bars' && !change.inserted) for (const bar of change.bars) changed.set(bar.start, bar)
      else redraw = true
      if (book.newest() === undefined) {
        quiet = `No candles of ${view?.symbol ?? ''} yet. They appear with the first trade.`
        void history?.need(0)
      }
      schedule()
    },

    /** Says why there is nothing to see. */
    say(text: string): void {
      quiet = text
      schedule()
    },

    repaint: (): void => chart.repaint(),

    tick(): void {
      legend.tick(shownBar(), intervalMs)
    },
  }
}
