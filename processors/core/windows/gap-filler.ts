import type { ByteReader, ByteWriter } from '../byte-buffer.ts'
import type { Codec } from '../codec.ts'
import { createKeyedState } from '../keyed-state.ts'
import type { Windowed, WindowFlag } from '../stream-record.ts'
import { type GapRegion, regionCodec, trimmed, valueBefore } from './gap-region.ts'
import { createTimeHeap } from './time-heap.ts'

/** At most so many fillers are made at one watermark; a gap of more between two windows of a key stays open. */
export const fillersMax = 10_000

/** Says a word of a window: one that came, or a filler, of which the revision is 0. */
export type SayWindow<T> = (flag: WindowFlag, key: string, window: Windowed<T | undefined>) => void

export interface GapFillerOptions<T> {
  readonly everyMs: number
  readonly allowedLatenessMs: number
  /** Whether a filler has the value of the window before it; else it has none. */
  readonly carries: boolean
  readonly codec: Codec<T>
  /** Told when a gap stays open. */
  readonly onOpen: () => void
}

/** Fills the gaps between the windows of a key, and after its last one as time goes on. */
export interface GapFiller<T> {
  /** @returns Whether it is too late for its word to be told from a filler. */
  add(flag: WindowFlag, key: string, window: Windowed<T>, say: SayWindow<T>): boolean
  advance(watermark: number, say: SayWindow<T>): void
  write(writer: ByteWriter, full: boolean): void
  read(reader: ByteReader): void
}

interface Due {
  readonly key: string
  readonly start: number
}

/**
 * Every window of a key from its first on is said: as it came, or as a filler once its time is over.
 *
 * A window that comes after its filler corrects it, and so the fillers that carried what was before. What came is kept until
 * its lateness is over; the last value of a key stays.
 */
export function createGapFiller<T>(options: GapFillerOptions<T>): GapFiller<T> {
  const { everyMs, allowedLatenessMs, carries, onOpen } = options
  const regions = createKeyedState<GapRegion<T>>(regionCodec(options.codec))
  const due = createTimeHeap<Due>((a, b) => a.key < b.key)
  let watermark = Number.NEGATIVE_INFINITY

  const keep = (key: string, region: GapRegion<T>): void => {
    const isMoved = regions.get(key)?.to !== region.to
    regions.set(key, trimmed(region, { everyMs, expired: watermark - allowedLatenessMs }))
    if (isMoved) due.push(region.to + everyMs - 1, { key, start: region.to })
  }
  const fill = (flag: WindowFlag, key: string, region: GapRegion<T>, start: number, say: SayWindow<T>): void => {
    const value = carries ? valueBefore(region, start)?.value : undefined
    say(flag, key, { start, end: start + everyMs, value, revision: 0 })
  }
  /** Says the fillers of `[from, to)`; none when they are too many, and then it says no. */
  const fillRange = (key: string, region: GapRegion<T>, from: number, to: number, say: SayWindow<T>): boolean => {
    if (to - from > fillersMax * everyMs) {
      onOpen()
      return false
    }
    for (let start = from; start < to; start += everyMs) fill('final', key, region, start, say)
    return true
  }
  /** Says anew what carries the value of the window at `start`. */
  const sayCarried = (flag: WindowFlag, key: string, region: GapRegion<T>, start: number, say: SayWindow<T>): void => {
    const next = region.came.find((other) => other.start > start)?.start ?? region.to
    const end = Math.min(next, start + fillersMax * everyMs)
    for (let at = start + everyMs; at < end; at += everyMs) fill(flag, key, region, at, say)
    if (end < next) onOpen()
  }
  const addBetween = (flag: WindowFlag, key: string, region: GapRegion<T>, window: Windowed<T>, say: SayWindow<T>) => {
    const { start, value } = window
    const others = region.came.filter((other) => other.start !== start)
    const came = [...others, { start, value }].sort((a, b) => a.start - b.start)
    const changed = { ...region, came }
    keep(key, changed)
    say(others.length === region.came.length ? 'correction' : flag, key, window)
    if (carries) sayCarried('correction', key, changed, start, say)
  }
  const withdraw = (key: string, region: GapRegion<T>, window: Windowed<T>, say: SayWindow<T>): void => {
    const { start } = window
    const came = region.came.filter((other) => other.start !== start)
    const changed = { ...region, came }
    if (valueBefore(region, start) !== undefined) {
      keep(key, changed)
      fill('correction', key, changed, start, say)
      if (carries) sayCarried('correction', key, changed, start, say)
      return
    }
    // Before the first window of a key there is no gap.
    say('retraction', key, window)
    sayCarried('retraction', key, changed, start, say)
    const [first] = came
    if (first === undefined) regions.delete(key)
    else keep(key, { ...changed, from: first.start })
  }
  const addTo = (region: GapRegion<T>, flag: WindowFlag, key: string, window: Windowed<T>, say: SayWindow<T>): void => {
    const { start, end, value } = window
    if (start >= region.to) {
      const isFilled = fillRange(key, region, region.to, start, say)
      say(flag, key, window)
      const came = [...region.came, { start, value }]
      keep(key, isFilled ? { ...region, to: end, came } : beginning(start, end, value, valueBefore(region, start)))
      return
    }
    if (start >= region.from) {
      addBetween(flag, key, region, window, say)
      return
    }
    say(flag, key, window)
    // What lies before a gap that was left open is not ours.
    if (region.before !== undefined) return
    const changed = { ...region, from: start, came: [{ start, value }, ...region.came] }
    if (fillRange(key, changed, end, region.from, say)) keep(key, changed)
  }
  const beginning = (from: number, to: number, value: T, before: GapRegion<T>['before']): GapRegion<T> => ({
    ...{ from, to, before, came: [{ start: from, value }] },
  })

  const fillDue = (say: SayWindow<T>): void => {
    // The end of a source closes what came: nothing is missing after it.
    if (watermark === Number.POSITIVE_INFINITY) return
    let left = fillersMax
    for (let next = due.popUntil(watermark); next !== undefined; next = due.popUntil(watermark)) {
      const { key, start } = next
      const region = regions.get(key)
      if (region === undefined || region.to !== start) continue
      if (left > 0) {
        left -= 1
        fill('final', key, region, start, say)
        keep(key, { ...region, to: start + everyMs })
        continue
      }
      onOpen()
      const reached = start + Math.floor((watermark + 1 - start) / everyMs) * everyMs
      keep(key, { from: reached, to: reached, before: valueBefore(region, reached), came: [] })
    }
  }

  return {
    add(flag, key, window, say) {
      const { start, end } = window
      const region = regions.get(key)
      if (end - start !== everyMs || (region !== undefined && (start - region.from) % everyMs !== 0))
        throw new RangeError(`the window [${start}, ${end}) is none of those each ${everyMs} ms`)
      if (watermark >= end - 1 + allowedLatenessMs) return true
      const isKnown = region?.came.some((other) => other.start === start) === true
      if (flag === 'update' || (flag === 'retraction' && !isKnown)) say(flag, key, window)
      else if (region === undefined) {
        say(flag, key, window)
        keep(key, beginning(start, end, window.value, undefined))
      } else if (flag === 'retraction') withdraw(key, region, window, say)
      else addTo(region, flag, key, window, say)
      fillDue(say)
      return false
    },
    advance(to, say) {
      if (!(to > watermark)) return
      watermark = to
      fillDue(say)
    },
    write(writer, full) {
      writer.f64(watermark)
      regions.write(writer, full)
    },
    read(reader) {
      watermark = reader.f64()
      regions.read(reader)
      for (const [key, { to }] of regions.entries()) due.push(to + everyMs - 1, { key, start: to })
    },
  }
}
