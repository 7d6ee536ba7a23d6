import type { ByteReader, ByteWriter } from './byte-buffer.ts'
import type { Codec } from './codec.ts'
import { createTimeHeap, type TimeHeap } from './windows/time-heap.ts'

/** `eventTime`: due when the watermark reaches it. `processingTime`: due when the wall clock does, at a pulse. */
export type TimerKind = 'eventTime' | 'processingTime'

/** Timers that a key has at once; one more is an error of the function that sets it. */
export const timersPerKeyMax = 1024

/** Timers set by timers that still fire at the same watermark (or pulse); the next ones wait for the one after. */
export const chainedTimersMax = 100_000

export interface Timer {
  readonly kind: TimerKind
  readonly key: string
  /** Epoch ms. */
  readonly at: number
}

/** A timer with the record that set it, or that set the timer that set it. */
export interface SetTimer extends Timer {
  readonly offset: number
  readonly eventTime: number
}

/** A record or timer on whose account something is changed. */
export type Cause = Pick<SetTimer, 'key' | 'offset' | 'eventTime'>

/** What a function changes of its key; nothing is changed before `keep`. */
export interface Draft<S> {
  get(): S | undefined
  set(state: S | undefined): void
  /** @throws {RangeError} `at` is no instant, or the key has `timersPerKeyMax`. */
  setTimer(kind: TimerKind, at: number): void
  /** Both the event-time and the processing-time timer at `at`. */
  cancelTimers(at: number): void
}

/** State and timers of many keys, of one partition. */
export interface KeyedProcess<S> {
  /** Lets `run` change a key. What it throws changes nothing, and is thrown on. */
  change(cause: Cause, run: (draft: Draft<S>) => void): void
  /**
   * Takes out the timers that are due by `until`, by time, then key, and lets `run` change the key of each. A timer
   * that it sets beyond its own time is due too when `until` has passed it; one at or before its own time waits for the
   * next call. `run` returns false to change nothing: the timer is gone all the same.
   */
  fire(kind: TimerKind, until: number, run: (timer: SetTimer, draft: Draft<S>) => boolean): void
  write(writer: ByteWriter, full: boolean): void
  read(reader: ByteReader): void
  /** Keys that have a state or a timer. */
  readonly size: number
}

interface Entry extends SetTimer {
  isGone: boolean
}

interface Cell<S> {
  state: S | undefined
  readonly timers: Map<string, Entry>
}

const tagOf = (kind: TimerKind, at: number): string => `${kind}${at}`

export interface KeyedProcessOptions<S> {
  readonly codec: Codec<S>
  /** Timers wait because `chainedMax` were set meanwhile: told once a call of `fire`. */
  readonly onPostponed: () => void
  /** Default `chainedTimersMax`. */
  readonly chainedMax?: number
}

export function createKeyedProcess<S>(options: KeyedProcessOptions<S>): KeyedProcess<S> {
  const { codec, onPostponed, chainedMax = chainedTimersMax } = options
  // Checkpointed.
  const cells = new Map<string, Cell<S>>()
  // Not checkpointed.
  const isBefore = (a: Entry, b: Entry): boolean => a.key < b.key
  const due: Record<TimerKind, TimeHeap<Entry>> = {
    eventTime: createTimeHeap(isBefore),
    processingTime: createTimeHeap(isBefore),
  }
  const postponed: Record<TimerKind, Entry[]> = { eventTime: [], processingTime: [] }
  let touched = new Set<string>()
  let firing: { readonly kind: TimerKind; readonly at: number; readonly until: number } | undefined
  let chained = 0

  const schedule = (entry: Entry): void => {
    if (firing?.kind === entry.kind && entry.at <= firing.until) {
      chained += 1
      if (chained === chainedMax + 1) onPostponed()
      if (entry.at <= firing.at || chained > chainedMax) {
        postponed[entry.kind].push(entry)
        return
      }
    }
    due[entry.kind].push(entry.at, entry)
  }
  const settle = (key: string, cell: Cell<S>): void => {
    touched.add(key)
    if (cell.state === undefined && cell.timers.size === 0) cells.delete(key)
    else cells.set(key, cell)
  }
  const draftOf = (cause: Cause, cell: Cell<S>): { readonly draft: Draft<S>; keep(): void } => {
    let state = cell.state
    let isChanged = false
    // What becomes of timers: set anew, or cancelled (undefined).
    const changes = new Map<string, Entry | undefined>()
    let count = cell.timers.size
    const has = (tag: string): boolean => (changes.has(tag) ? changes.get(tag) !== undefined : cell.timers.has(tag))
    const draft: Draft<S> = {
      get: () => state,
      set(next) {
        state = next
        isChanged = true
      },
      setTimer(kind, at) {
        if (!Number.isSafeInteger(at)) throw new RangeError(`a timer is set to whole ms, was ${at}`)
        const tag = tagOf(kind, at)
        if (has(tag)) return
        if (count >= timersPerKeyMax) throw new RangeError(`a key has at most ${timersPerKeyMax} timers`)
        count += 1
        const { key, offset, eventTime } = cause
        changes.set(tag, { kind, at, key, offset, eventTime, isGone: false })
      },
      cancelTimers(at) {
        for (const tag of [tagOf('eventTime', at), tagOf('processingTime', at)]) {
          if (!has(tag)) continue
          count -= 1
          changes.set(tag, undefined)
        }
      },
    }
    const keep = (): void => {
      if (!isChanged && changes.size === 0) return
      cell.state = state
      for (const [tag, entry] of changes) {
        const before = cell.timers.get(tag)
        if (before !== undefined) before.isGone = true
        if (entry === undefined) cell.timers.delete(tag)
        else {
          cell.timers.set(tag, entry)
          schedule(entry)
        }
      }
      settle(cause.key, cell)
    }
    return { draft, keep }
  }
  const cellOf = (key: string): Cell<S> => cells.get(key) ?? { state: undefined, timers: new Map() }

  return {
    change(cause, run) {
      const { draft, keep } = draftOf(cause, cellOf(cause.key))
      run(draft)
      keep()
    },
    fire(kind, until, run) {
      for (const entry of postponed[kind].splice(0)) due[kind].push(entry.at, entry)
      chained = 0
      for (let entry = due[kind].popUntil(until); entry !== undefined; entry = due[kind].popUntil(until)) {
        if (entry.isGone) continue
        const cell = cellOf(entry.key)
        cell.timers.delete(tagOf(kind, entry.at))
        settle(entry.key, cell)
        const { draft, keep } = draftOf(entry, cell)
        if (!run(entry, draft)) continue
        firing = { kind, at: entry.at, until }
        keep()
        firing = undefined
      }
    },
    write(writer, full) {
      const keys = full ? [...cells.keys()] : [...touched]
      writer.uint(keys.length)
      for (const key of keys) {
        const { state, timers } = cellOf(key)
        writer.text(key)
        writer.byte(state === undefined ? 0 : 1)
        if (state !== undefined) codec.write(writer, state)
        writer.uint(timers.size)
        for (const timer of timers.values()) {
          writer.byte(timer.kind === 'eventTime' ? 0 : 1)
          writer.f64(timer.at)
          writer.f64(timer.offset)
          writer.f64(timer.eventTime)
        }
      }
      touched = new Set()
    },
    read(reader) {
      for (let count = reader.uint(); count > 0; count--) {
        const key = reader.text()
        for (const timer of cellOf(key).timers.values()) timer.isGone = true
        const cell: Cell<S> = { state: undefined, timers: new Map() }
        if (reader.byte() === 1) cell.state = codec.read(reader)
        for (let n = reader.uint(); n > 0; n--) {
          const kind: TimerKind = reader.byte() === 0 ? 'eventTime' : 'processingTime'
          const [at, offset, eventTime] = [reader.f64(), reader.f64(), reader.f64()]
          const entry = { kind, key, at, offset, eventTime, isGone: false }
          cell.timers.set(tagOf(kind, at), entry)
          due[kind].push(at, entry)
        }
        settle(key, cell)
      }
      touched = new Set()
    },
    get size() {
      return cells.size
    },
  }
}
