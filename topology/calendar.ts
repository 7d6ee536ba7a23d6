import { createTradingCalendar } from '../processors/core/trading-calendar.ts'
import type { Topology } from './candle-topology.ts'

const known = new WeakMap<Topology, (symbol: string, start: number, end: number) => boolean>()

/** Whether, by the calendar of a topology's candles, a symbol's venue is closed for all of `[start, end)`, epoch ms. */
export function isClosedIn(topology: Topology, symbol: string, start: number, end: number): boolean {
  let isClosed = known.get(topology)
  if (isClosed === undefined) {
    const text = topology.steps.find(({ operator }) => operator === 'toCandles')?.options['calendar']
    isClosed = createTradingCalendar(typeof text === 'string' ? calendarOf(text) : {})
    known.set(topology, isClosed)
  }
  return isClosed(symbol, start, end)
}

/** What `toCandles` wrote. */
function calendarOf(text: string): Parameters<typeof createTradingCalendar>[0] {
  return JSON.parse(text) as Parameters<typeof createTradingCalendar>[0]
}
