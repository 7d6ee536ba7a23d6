import type { HistorySegment } from '../../schemas/history.ts'
import { createNumberRanges, type NumberRanges } from './number-ranges.ts'
import { segmentProblem } from './segment-content.ts'
import type { StoredSpan } from './stream-element.ts'

/**
 * The stored candles that segments need: every interval, over whole windows of the longest one.
 *
 * @param sizesMs The base window, then its roll-ups, ascending.
 */
export function historySpans(segments: readonly HistorySegment[], sizesMs: readonly number[]): StoredSpan[] {
  const [baseMs = 1] = sizesMs
  const longestMs = sizesMs.at(-1) ?? baseMs
  const bySymbol = new Map<string, NumberRanges>()
  for (const segment of segments) {
    if (segmentProblem(segment, baseMs) !== undefined) continue
    const ranges = bySymbol.get(segment.symbol) ?? createNumberRanges()
    bySymbol.set(segment.symbol, ranges)
    ranges.add(Math.floor(segment.bucketFrom / longestMs), Math.ceil(segment.bucketTo / longestMs))
  }
  const spans: StoredSpan[] = []
  for (const [symbol, ranges] of bySymbol)
    ranges.forEach((from, to) => {
      for (const sizeMs of sizesMs)
        spans.push({ symbol, interval: sizeMs / 1000, from: from * longestMs, to: to * longestMs })
    })
  return spans
}
