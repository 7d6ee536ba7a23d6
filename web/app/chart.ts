import {
  type CandlestickData,
  CandlestickSeries,
  ColorType,
  CrosshairMode,
  createChart,
  type HistogramData,
  HistogramSeries,
  type IChartApi,
  type UTCTimestamp,
} from '/vendor/lightweight-charts.js'
import { faded, type Palette, paletteOf } from './palette.ts'
import type { Bar } from './protocol.ts'

export interface ChartOptions {
  readonly host: HTMLElement
  /** Start of the candle under the crosshair in epoch ms; undefined where there is none. */
  readonly onHover: (start: number | undefined) => void
  /** Bars between the left edge and the oldest one (negative beyond it), and whether the newest one is in sight. */
  readonly onRange: (barsLeft: number, atLatest: boolean) => void
}

export type CandleChart = ReturnType<typeof createCandleChart>

/** Candlesticks over volume; a candle that is not final is drawn hollow. */
export function createCandleChart(options: ChartOptions) {
  let palette = paletteOf(document.documentElement)
  let bars: readonly Bar[] = []
  let precision = -1
  const chart = createChart(options.host, { autoSize: true })
  const candles = chart.addSeries(CandlestickSeries, { priceLineWidth: 1 })
  const volumes = chart.addSeries(HistogramSeries, {
    priceScaleId: 'volume',
    priceFormat: { type: 'volume' },
    lastValueVisible: false,
    priceLineVisible: false,
  })
  candles.priceScale().applyOptions({ scaleMargins: { top: 0.08, bottom: 0.24 } })
  chart.priceScale('volume').applyOptions({ scaleMargins: { top: 0.82, bottom: 0 } })
  paint(chart, palette)

  chart.subscribeCrosshairMove(({ time }) => options.onHover(typeof time === 'number' ? time * 1000 : undefined))
  chart.timeScale().subscribeVisibleLogicalRangeChange((range) => {
    if (range !== null) options.onRange(range.from, range.to >= bars.length - 1)
  })

  function setPrecision(digits: number): void {
    if (digits === precision) return
    precision = digits
    candles.applyOptions({ priceFormat: { type: 'price', precision: digits, minMove: 10 ** -digits } })
  }

  /** The last price's line: a hollow candle's own colour would be the background. */
  function markLast(): void {
    const newest = bars.at(-1)
    if (newest !== undefined) candles.applyOptions({ priceLineColor: colourOf(newest, palette) })
  }

  function drawAll(next: readonly Bar[], digits: number): void {
    bars = next
    setPrecision(digits)
    candles.setData(bars.map((bar) => candleOf(bar, palette)))
    volumes.setData(bars.map((bar) => volumeOf(bar, palette)))
    markLast()
  }

  return {
    chart,
    drawAll,

    /** Draws `changed` anew, each a bar of `next` that was drawn before or the newest one. */
    draw(next: readonly Bar[], changed: Iterable<Bar>, digits: number): void {
      bars = next
      setPrecision(digits)
      for (const bar of changed) {
        const newest = bars.at(-1)?.start === bar.start
        candles.update(candleOf(bar, palette), !newest)
        volumes.update(volumeOf(bar, palette), !newest)
      }
      markLast()
    },

    /** Back to the newest candle at the usual zoom. */
    toLatest(): void {
      chart.timeScale().resetTimeScale()
    },

    /** Puts the crosshair on a candle. */
    point(bar: Bar): void {
      chart.setCrosshairPosition(Number(bar.close), timeOf(bar), candles)
      options.onHover(bar.start)
    },

    /** Takes the crosshair away. */
    unpoint(): void {
      chart.clearCrosshairPosition()
      options.onHover(undefined)
    },

    /** Takes the colours of the theme in force. */
    repaint(): void {
      palette = paletteOf(document.documentElement)
      paint(chart, palette)
      drawAll(bars, precision)
    },
  }
}

function timeOf(bar: Bar): UTCTimestamp {
  return (bar.start / 1000) as UTCTimestamp // the library's own unit
}

function candleOf(bar: Bar, palette: Palette): CandlestickData<UTCTimestamp> {
  const colour = colourOf(bar, palette)
  return {
    time: timeOf(bar),
    open: Number(bar.open),
    high: Number(bar.high),
    low: Number(bar.low),
    close: Number(bar.close),
    color: bar.final ? colour : palette.background,
    borderColor: colour,
    wickColor: colour,
  }
}

function colourOf(bar: Bar, palette: Palette): string {
  return Number(bar.close) >= Number(bar.open) ? palette.up : palette.down
}

function volumeOf(bar: Bar, palette: Palette): HistogramData<UTCTimestamp> {
  const colour = faded(colourOf(bar, palette), bar.final ? 0.38 : 0.16)
  return { time: timeOf(bar), value: Number(bar.volume), color: colour }
}

function paint(chart: IChartApi, palette: Palette): void {
  chart.applyOptions({
    layout: {
      background: { type: ColorType.Solid, color: palette.background },
      textColor: palette.text,
      fontFamily: getComputedStyle(document.body).fontFamily,
      fontSize: 11,
      attributionLogo: true,
    },
    grid: { vertLines: { color: palette.grid }, horzLines: { color: palette.grid } },
    crosshair: {
      mode: CrosshairMode.Normal,
      vertLine: { color: palette.text, labelBackgroundColor: palette.text },
      horzLine: { color: palette.text, labelBackgroundColor: palette.text },
    },
    rightPriceScale: { borderColor: palette.line },
    timeScale: { borderColor: palette.line, timeVisible: true, secondsVisible: false, rightOffset: 6, barSpacing: 8 },
  })
}
