import type { Candle } from '../../schemas/candle.ts'
import type { HistoryInput, HistorySegment } from '../../schemas/history.ts'
import { partitionOfKey } from '../../schemas/partitioner.ts'
import { applySegments, type HistoryHost } from './apply-history.ts'
import type { Effects } from './effects.ts'
import { segmentProblem } from './segment-content.ts'
import type { SymbolIndex } from './symbol-index.ts'

export interface HistoryInboxOptions {
  readonly host: HistoryHost
  readonly symbols: SymbolIndex
  readonly effects: Effects
  readonly baseMs: number
  readonly partition: number
  readonly partitions: number
  isHeld?(symbol: number): boolean
  ensureSymbol(symbol: number): void
}

/** Takes segments in: refuses those that are none, gathers parts, applies what is whole. */
export interface HistoryInbox {
  /** @param offset Of the marker: what is refused is a dead letter there. */
  apply(offset: number, input: HistoryInput): void
}

export function createHistoryInbox(options: HistoryInboxOptions): HistoryInbox {
  const { host, symbols, effects, baseMs, partition, partitions } = options

  const refuse = (offset: number, symbol: string, detail: string): void => {
    effects.alarm('history_refused')
    effects.deadLetter({ offset, reason: 'BAD_HISTORY', detail, symbol })
  }
  const problemOf = (segment: HistorySegment): string | undefined =>
    segmentProblem(segment, baseMs) ??
    (partitionOfKey(segment.symbol, partitions) === partition ? undefined : 'its symbol is of another partition')

  /** Segments that are whole, by symbol, in order; the others wait for their parts. */
  const gather = (offset: number, segments: readonly HistorySegment[]): Map<string, HistorySegment[]> => {
    const bySymbol = new Map<string, HistorySegment[]>()
    for (const segment of segments) {
      const { symbol, id } = segment
      const problem = problemOf(segment)
      const gathered = problem === undefined ? host.history.parts.add(segment) : { problem, evicted: [] }
      if (gathered.problem !== undefined) refuse(offset, symbol, `segment ${id}: ${gathered.problem}`)
      for (const lost of gathered.evicted) refuse(offset, lost.symbol, `segment ${lost.id}: its parts did not all come`)
      if (gathered.whole === undefined) continue
      const known = bySymbol.get(symbol)
      if (known === undefined) bySymbol.set(symbol, [gathered.whole])
      else known.push(gathered.whole)
    }
    return bySymbol
  }

  return {
    apply(offset, { segments, refused, stored }) {
      for (const { offset: at, detail } of refused) refuse(offset, '', `record ${at} of history: ${detail}`)
      const storedOf = new Map<string, Candle[]>()
      for (const candle of stored) {
        const known = storedOf.get(candle.symbol)
        if (known === undefined) storedOf.set(candle.symbol, [candle])
        else known.push(candle)
      }
      for (const [symbol, whole] of gather(offset, segments)) {
        const s = symbols.localOfName(symbol)
        // It is applied when the key is released.
        if (options.isHeld?.(symbols.globalOf(s)) === true) continue
        options.ensureSymbol(s)
        for (const problem of applySegments(host, s, whole, storedOf.get(symbol) ?? [])) refuse(offset, symbol, problem)
      }
    },
  }
}
