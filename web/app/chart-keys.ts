import type { CandleBook } from './candle-book.ts'
import type { CandleChart } from './chart.ts'

/** Moves the crosshair with the arrow keys, zooms with plus and minus, leaves with Escape. */
export function listenToChartKeys(host: HTMLElement, chart: CandleChart, book: () => CandleBook): void {
  let pointed: number | undefined

  function step(by: number): void {
    const bars = book().bars()
    const at = pointed === undefined ? bars.length : bars.findIndex((bar) => bar.start === pointed)
    const bar = bars[Math.min(bars.length - 1, Math.max(0, (at < 0 ? bars.length : at) + by))]
    if (bar === undefined) return
    pointed = bar.start
    chart.point(bar)
  }

  function zoom(factor: number): void {
    const scale = chart.chart.timeScale()
    scale.applyOptions({ barSpacing: Math.min(60, Math.max(1, scale.options().barSpacing * factor)) })
  }

  function leave(): void {
    pointed = undefined
    chart.unpoint()
  }

  const actions = new Map<string, () => void>([
    ['ArrowLeft', () => step(-1)],
    ['ArrowRight', () => step(1)],
    ['PageUp', () => step(-20)],
    ['PageDown', () => step(20)],
    ['+', () => zoom(1.25)],
    ['=', () => zoom(1.25)],
    ['-', () => zoom(0.8)],
    ['Escape', leave],
    [
      'End',
      () => {
        leave()
        chart.toLatest()
      },
    ],
  ])
  host.tabIndex = 0
  host.addEventListener('keydown', (event) => {
    const action = actions.get(event.key)
    if (action === undefined || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    action()
  })
  host.addEventListener('blur', leave)
}
