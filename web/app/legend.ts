import { element, setDirection, setText } from './element.ts'
import {
  changeText,
  compactAmount,
  countdown,
  fractionDigits,
  groupedDecimal,
  percentText,
  utcMinute,
} from './format.ts'
import type { Bar } from './protocol.ts'
import type { View } from './route.ts'

/** What the strip above the chart shows. */
export interface Quote {
  readonly view: View
  readonly intervalMs: number
  readonly newest: Bar | undefined
  /** The candle that the legend is about, and the one before it. */
  readonly shown: Bar | undefined
  readonly before: Bar | undefined
  /** First price of the UTC day; undefined where unknown. */
  readonly dayOpen: number | undefined
  /** Digits after the point of prices. */
  readonly digits: number
}

const names = ['open', 'high', 'low', 'close'] as const

/** The strip above the chart: last price, the day's change, and one candle in full. */
export function createLegend() {
  const at = (id: string) => element(id, HTMLElement)
  const title = at('quote-title')
  const last = at('last-price')
  const day = at('day-change')
  const state = at('legend-state')
  const time = at('legend-time')
  const prices = new Map(names.map((name) => [name, at(`legend-${name}`)]))
  const change = at('legend-change')
  const volume = at('legend-volume')
  const trades = at('legend-trades')

  function candle(quote: Quote): void {
    const { shown: bar, before, digits } = quote
    const previous = Number(before?.close ?? bar?.open)
    const close = Number(bar?.close)
    for (const [name, target] of prices) setText(target, bar === undefined ? '—' : groupedDecimal(bar[name], digits))
    setText(time, bar === undefined ? '—' : utcMinute(bar.start))
    setText(change, bar === undefined ? '—' : changeText(previous, close, digits))
    setDirection(change, close - previous)
    setText(volume, bar === undefined ? '—' : compactAmount(bar.volume))
    setText(trades, bar === undefined ? '—' : String(bar.trades))
  }

  return {
    render(quote: Quote): void {
      const { newest, dayOpen, digits } = quote
      setText(title, `${quote.view.symbol} · ${quote.view.interval}`)
      setText(last, newest === undefined ? '—' : groupedDecimal(newest.close, digits))
      const from = dayOpen ?? Number.NaN
      setText(day, percentText(from, Number(newest?.close)) || '—')
      setDirection(day, Number(newest?.close) - from)
      candle(quote)
      this.tick(quote.shown, quote.intervalMs)
    },

    /** The part that moves with the clock. */
    tick(bar: Bar | undefined, intervalMs: number): void {
      const kind = bar === undefined ? 'none' : bar.corrected ? 'corrected' : bar.final ? 'final' : 'open'
      state.dataset['kind'] = kind
      setText(state, stateText(kind, (bar?.start ?? 0) + intervalMs - Date.now()))
    },
  }
}

function stateText(kind: string, leftMs: number): string {
  if (kind === 'none') return '—'
  if (kind === 'final') return 'Final'
  if (kind === 'corrected') return 'Final, corrected'
  return leftMs > 0 ? `Open, ${countdown(leftMs)} left` : 'Open, closing'
}

/** Digits after the point that a bar's prices need. */
export function digitsOf(bar: Bar): number {
  return Math.max(...names.map((name) => fractionDigits(bar[name])))
}
