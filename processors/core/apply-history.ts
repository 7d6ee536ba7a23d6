import type { Candle } from '../../schemas/candle.ts'
import { createCandleColumns } from '../../schemas/candle-columns.ts'
import { invariant } from '../../schemas/errors.ts'
import { type HistorySegment, importedTradeId } from '../../schemas/history.ts'
import type { CandleHistory, NumberRange } from './candle-history.ts'
import { aliveAt, createWaitingWindow, sealRangesMax } from './candle-history.ts'
import { appendCandle, candleOf } from './candle-rows.ts'
import { bucketsOf, emptyWindow } from './segment-content.ts'
import {
  closedBy,
  windowField as field,
  mergeWindow,
  type WindowColumns,
  windowNumber,
  windowStatus,
  windowWidth,
} from './window-columns.ts'
import type { WindowRing } from './window-rings.ts'

const { live, fired, published, changed, fresh, blind, partial } = windowStatus

/** The windows of one partition, as history sees them. */
export interface HistoryHost {
  readonly rings: readonly WindowRing[]
  readonly history: CandleHistory
  /** Whether lateness is over for a window. */
  isExpired(symbol: number, lastMs: number): boolean
  /** Whether `[start, end)` overlaps time that the symbol's line did not cover and history did not settle. */
  isBlind(symbol: number, start: number, end: number): boolean
  /** Whether its first trades came before the line began to cover time. */
  isHeadless(symbol: number, start: number, end: number): boolean
  /** Whether `[start, end)` overlaps time that the symbol's line did not cover. */
  hasGap(symbol: number, start: number, end: number): boolean
  isMissingTrades(columns: WindowColumns, k: number): boolean
  compose(ring: WindowRing, symbol: number, k: number): WindowColumns
  /** Fires a window where the time of its line, or `isSettled`, has closed it. */
  fireIfDue(symbol: number, ring: WindowRing, k: number, isSettled: boolean): void
  /** A window changed: it is to be written, and told. */
  noteChanged(symbol: number): void
  /** Base buckets `[from, to)`, by number, were replaced. */
  settled(symbol: number, from: number, to: number): void
  /** A row of a window that is in no ring, for the next barrier. */
  append(symbol: number, sizeMs: number, columns: WindowColumns): void
}

interface Bucket {
  readonly isTrades: boolean
  /** Undefined where nothing traded. */
  readonly content: WindowColumns | undefined
}

const scratch = createCandleColumns()

/** A window as a candle, but for its symbol. */
function rowOf(sizeMs: number, columns: WindowColumns): Candle {
  scratch.length = 0
  appendCandle(scratch, 0, sizeMs, columns, 0)
  return candleOf(scratch, 0, '')
}

const compared = [
  ...(['open', 'high', 'low', 'close', 'volume', 'quoteVolume', 'buyVolume', 'trades'] as const),
  ...(['firstTradeId', 'lastTradeId', 'fill', 'partial'] as const),
] as const

/** Whether a candle says something else than before; by itself, one without trades says nothing. */
function isNews(before: Candle | undefined, now: Candle): boolean {
  return before === undefined ? now.trades > 0 : compared.some((name) => before[name] !== now[name])
}

function putStored({ values }: WindowColumns, candle: Candle): void {
  values[field.open] = candle.open
  values[field.high] = candle.high
  values[field.low] = candle.low
  values[field.close] = candle.close
  // Only to order it among other buckets: its own trades are over.
  values[field.openTime] = values[field.closeTime] = candle.start
  values[field.openId] = candle.firstTradeId
  values[field.closeId] = candle.lastTradeId
  values[field.volume] = candle.volume
  values[field.volumeLow] = candle.volumeLow
  values[field.quoteVolume] = candle.quoteVolume
  values[field.quoteVolumeLow] = candle.quoteVolumeLow
  values[field.buyVolume] = candle.buyVolume
  values[field.buyVolumeLow] = candle.buyVolumeLow
  values[field.trades] = candle.trades
}

/** An empty window that history emptied stays at its last price. */
function flatten({ values }: WindowColumns, k: number, close: number): void {
  const at = k * windowWidth
  values.fill(close, at + field.open, at + field.openTime)
}

function makeFinal(columns: WindowColumns): void {
  columns.status[0] = live | fired
  columns.closedBy[0] = closedBy.history
}

/** What the store has of a window was published. */
function notePublished({ status }: WindowColumns, k: number, row: Candle | undefined): void {
  if (row !== undefined) status[k] = (status[k] as number) | published
}

/** Whether a row is of all trades of its bucket, as far as is known; one that history emptied is of none. */
function isWholeRow(row: Candle | undefined): boolean {
  if (row === undefined || row.trades === 0) return false
  return row.closedBy === 'history' ? row.firstTradeId !== importedTradeId : !row.partial
}

/** Ascending numbers as half-open ranges. */
function runsOf(numbers: readonly number[]): readonly NumberRange[] {
  const runs: { from: number; to: number }[] = []
  for (const number of numbers) {
    const last = runs.at(-1)
    if (last?.to === number) last.to = number + 1
    else runs.push({ from: number, to: number + 1 })
  }
  return runs
}

/**
 * Puts the segments of one symbol in the place of what stood in their buckets, in order, and corrects every roll-up above.
 *
 * @param stored Final candles of every interval, of the longest roll-ups that the segments touch.
 * @returns Why a segment was not applied, for each that was not.
 */
export function applySegments(
  host: HistoryHost,
  s: number,
  segments: readonly HistorySegment[],
  stored: readonly Candle[],
): string[] {
  const { rings, history } = host
  const [base, ...rollUps] = rings
  invariant(base !== undefined, 'there is a base ring')
  const baseMs = base.sizeMs
  // By size, then by number: a month is looked at bucket by bucket.
  const rows = new Map(rings.map(({ sizeMs }) => [sizeMs, new Map<number, Candle>()]))
  for (const candle of stored) rows.get(candle.interval * 1000)?.set(candle.start / (candle.interval * 1000), candle)
  const storedRow = (sizeMs: number, number: number): Candle | undefined => rows.get(sizeMs)?.get(number)
  const buckets = new Map<number, Bucket>()
  const problems: string[] = []

  /** Whether a bucket has all its trades, as far as is known: a venue's candle changes nothing there. */
  const isWhole = (number: number): boolean => {
    const known = buckets.get(number)
    if (known !== undefined) return known.isTrades && known.content !== undefined
    const k = aliveAt(base, s, number)
    if (k === undefined) return isWholeRow(storedRow(baseMs, number))
    const start = number * baseMs
    return !(
      ((base.columns.status[k] as number) & (blind | partial)) !== 0 ||
      host.isMissingTrades(base.columns, k) ||
      host.isBlind(s, start, start + baseMs) ||
      host.isHeadless(s, start, start + baseMs)
    )
  }
  /** A bucket that needs no seal is over, and no gap's blindness hangs on it. */
  const needsSeal = (number: number): boolean => {
    const start = number * baseMs
    return !host.isExpired(s, start + baseMs - 1) || host.hasGap(s, start, start + baseMs)
  }

  const place = (segment: HistorySegment): void => {
    const isTrades = segment.kind === 'trades'
    const contents = bucketsOf(segment, baseMs)
    const numbers: number[] = []
    for (let number = segment.bucketFrom / baseMs; number < segment.bucketTo / baseMs; number++)
      if (isTrades || !isWhole(number)) numbers.push(number)
    const runs = runsOf(numbers.filter(needsSeal))
    if (history.sealsWith(s, runs) > sealRangesMax) {
      problems.push(`${segment.id}: more than ${sealRangesMax} separate ranges of ${segment.symbol} would be settled`)
      return
    }
    for (const { from, to } of runs) history.seal(s, from, to)
    for (const { from, to } of runsOf(numbers)) host.settled(s, from, to)
    for (const number of numbers) buckets.set(number, { isTrades, content: contents.get(number) })
  }
  for (const segment of segments) place(segment)

  /** Buckets above which content or knowledge changes. */
  const noted: number[] = []
  const told: WindowColumns[] = []
  const replace = (number: number, content: WindowColumns | undefined): void => {
    const start = number * baseMs
    const row = storedRow(baseMs, number)
    const k = aliveAt(base, s, number)
    const columns = content ?? emptyWindow(number)
    if (content === undefined && row !== undefined) flatten(columns, 0, row.close)
    makeFinal(columns)
    notePublished(columns, 0, row)
    const now = rowOf(baseMs, columns)
    const differs = isNews(row, now)
    if (differs || k !== undefined || host.hasGap(s, start, start + baseMs)) noted.push(number)
    if (!differs) return
    const revision =
      k === undefined ? (row?.revision ?? 0) : (base.columns.values[k * windowWidth + field.trades] as number)
    columns.extra[0] = revision + 1 - now.trades
    told.push(columns)
  }
  for (const [number, { content }] of buckets) replace(number, content)

  /** What a window above came to. */
  const rowBefore = (ring: WindowRing, number: number): Candle | undefined => {
    const k = aliveAt(ring, s, number)
    if (k !== undefined) return rowOf(ring.sizeMs, host.compose(ring, s, k))
    const waiting = history
      .waiting(s)
      .find((one) => one.sizeMs === ring.sizeMs && windowNumber(one.columns, 0) === number)
    return waiting === undefined ? storedRow(ring.sizeMs, number) : rowOf(ring.sizeMs, waiting.columns)
  }
  const above = rollUps.flatMap((ring) => {
    const numbers = new Set(noted.map((number) => Math.floor((number * baseMs) / ring.sizeMs)))
    return [...numbers].map((number) => ({ ring, number, before: rowBefore(ring, number) }))
  })
  // The windows above were looked at with them; from here on they are settled.
  for (const number of buckets.keys()) {
    const k = aliveAt(base, s, number)
    if (k !== undefined) base.columns.status[k] = 0
  }
  for (const columns of told) host.append(s, baseMs, columns)

  /**
   * What is settled of a window above: everything but its live base windows, whose flags it has; and whether it is all
   * settled. Where lateness is over a bucket is settled too: seals are forgotten then.
   */
  const settled = (ring: WindowRing, number: number) => {
    const into = emptyWindow(number)
    const one = emptyWindow(number)
    const each = ring.sizeMs / baseMs
    let flags = 0
    let wasBlind = false
    let isReplaced = true
    let isSettled = true
    for (let n = number * each; n < (number + 1) * each; n++) {
      const bucket = buckets.get(n)
      const row = storedRow(baseMs, n)
      wasBlind ||= row?.fill === 'blind'
      if (bucket !== undefined) {
        if (bucket.content !== undefined) mergeWindow(into, 0, bucket.content, 0)
        continue
      }
      const isSealed = history.isSealed(s, n)
      isReplaced &&= isSealed
      isSettled &&= isSealed || host.isExpired(s, (n + 1) * baseMs - 1)
      const k = aliveAt(base, s, n)
      if (k !== undefined) flags |= base.columns.status[k] as number
      else if (row !== undefined) {
        flags |= (row.fill === 'blind' ? blind : 0) | (row.partial ? partial : 0)
        putStored(one, row)
        mergeWindow(into, 0, one, 0)
      }
    }
    return { into, flags, wasBlind, isReplaced, isSettled }
  }

  const correct = (ring: WindowRing, number: number, before: Candle | undefined): void => {
    const start = number * ring.sizeMs
    const end = start + ring.sizeMs
    const { into, flags: below, wasBlind, isReplaced, isSettled } = settled(ring, number)
    const row = storedRow(ring.sizeMs, number)
    const alive = aliveAt(ring, s, number)
    const isDirect = alive === undefined && isSettled
    // A blindness whose cause is no longer known goes only when all of it was replaced.
    const isUnexplained = row?.fill === 'blind' && !wasBlind && !host.hasGap(s, start, end)
    const flags =
      (host.isBlind(s, start, end) || (isUnexplained && !isReplaced) ? blind : below & blind) |
      (host.isHeadless(s, start, end) ? partial : below & partial)

    const waiting = history.take(s, ring.sizeMs, number)
    const home = alive === undefined ? (waiting ?? createWaitingWindow(ring.sizeMs, emptyWindow(number))) : ring
    const k = alive ?? 0
    const { columns } = home
    if (isDirect) makeFinal(columns)
    notePublished(columns, k, row)
    columns.values.set(into.values, k * windowWidth)
    const status = (columns.status[k] as number) & ~(blind | partial)
    // What fires it says whether it is blind.
    columns.status[k] = status | (status & fired ? flags : flags & partial)
    const content = (): Candle => rowOf(ring.sizeMs, alive === undefined ? columns : host.compose(ring, s, k))
    if (row !== undefined && content().trades === 0) flatten(columns, k, row.close)
    const now = content()
    const differs = isNews(before, now)
    columns.extra[k] = (before?.revision ?? 0) + Number(differs) - now.trades
    if (isDirect) {
      if (isNews(row, now)) host.append(s, ring.sizeMs, columns)
      return
    }
    if (alive === undefined) {
      if (waiting === undefined && now.trades === 0) return
      history.wait(s, home)
    }
    if (differs) columns.status[k] = (columns.status[k] as number) | changed | fresh
    host.fireIfDue(s, home, k, isSettled)
    history.note(s)
  }
  for (const { ring, number, before } of above) correct(ring, number, before)
  host.noteChanged(s)
  return problems
}
