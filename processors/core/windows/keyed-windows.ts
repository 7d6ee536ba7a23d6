import { invariant } from '../../../schemas/errors.ts'
import type { ByteReader, ByteWriter } from '../byte-buffer.ts'
import type { Aggregate } from './aggregate.ts'
import { mergeWith } from './merging.ts'
import type { Window } from './span.ts'
import { createTimeHeap } from './time-heap.ts'
import { checkWindow, type WindowSpec, windowAssigner } from './window.ts'

/** What is said of a window: see `WindowTrigger`. */
export type WindowEmissionKind = 'update' | 'final' | 'correction' | 'retraction'

export interface WindowEmission<Acc> {
  readonly kind: WindowEmissionKind
  readonly key: string
  readonly window: Window
  readonly value: Acc
  /** Events that changed the window so far; what a merge joined counts together. */
  readonly revision: number
}

/**
 * When a window speaks. `on-time`: a `final` when the watermark passes its end, a `correction` when a later event changes
 * it. `on-expiry`: one `final` when its lateness is over.
 */
export type WindowTrigger = 'on-time' | 'on-expiry'

export interface KeyedWindowsOptions<In, Acc> {
  readonly window: WindowSpec
  readonly allowedLatenessMs: number
  readonly aggregate: Aggregate<In, Acc>
  readonly trigger?: WindowTrigger
}

/** Windows of many keys, of one partition. */
export interface KeyedWindows<In, Acc> {
  /**
   * Puts an event into its windows.
   *
   * @returns The windows it was too late for.
   */
  add(key: string, eventTime: number, value: In): readonly Window[]
  /** Every event up to `watermark` has arrived: fires and expires what that passes. A lower one changes nothing. */
  advance(watermark: number): void
  /** Takes the updates of open windows since the last pulse, and retractions of those that a merge took in. */
  pulse(): WindowEmission<Acc>[]
  /** Takes the finals, corrections and retractions since the last time, of each window the last. */
  drain(): WindowEmission<Acc>[]
  /** Writes the watermark and every window alive. Drain first: what has not been taken is not written. */
  write(writer: ByteWriter): void
  /** Reads into windows that are empty yet. */
  read(reader: ByteReader): void
  readonly watermark: number
  /** Windows alive. */
  readonly size: number
}

interface Entry<Acc> {
  readonly key: string
  readonly start: number
  end: number
  acc: Acc
  revision: number
  isFired: boolean
  /** A final of it was taken. */
  isPublished: boolean
  /** An update of it was taken. */
  isShown: boolean
  /** Changed since it was last drained. */
  isChanged: boolean
  isGone: boolean
}

/** The years that a date can have: what a window adds to them is still a safe integer. */
const eventTimeMax = 8.64e15

/** What is due at one instant is said in one order, however it came about. */
function isBefore(a: Entry<unknown>, b: Entry<unknown>): boolean {
  return a.key !== b.key ? a.key < b.key : a.start < b.start
}

/**
 * Windowed aggregation with allowed lateness.
 *
 * A window fires when the watermark reaches its last instant, and expires (it is forgotten, and its events are late) when
 * the watermark is as far beyond it as the lateness says. Sessions merge first, then are judged: an event that would be
 * late by itself belongs to a session that is still alive.
 *
 * @throws {FatalError} `BAD_WINDOW`.
 */
export function createKeyedWindows<In, Acc>(options: KeyedWindowsOptions<In, Acc>): KeyedWindows<In, Acc> {
  const { window: spec, allowedLatenessMs: lateness, aggregate, trigger = 'on-time' } = options
  checkWindow(spec, lateness)
  const assign = windowAssigner(spec)
  const waitMs = trigger === 'on-expiry' ? lateness : 0
  /** Of each key, ascending by start. */
  const windowsOf = new Map<string, Entry<Acc>[]>()
  const timers = createTimeHeap<Entry<Acc>>(isBefore)
  let watermark = Number.NEGATIVE_INFINITY
  let size = 0
  let changed: Entry<Acc>[] = []
  let fresh = new Set<Entry<Acc>>()
  let said: WindowEmission<Acc>[] = []
  /** Retractions of sessions of which only updates were said. */
  let withdrawn: WindowEmission<Acc>[] = []

  const expiresAt = (end: number): number => end - 1 + lateness
  const firesAt = (end: number): number => end - 1 + waitMs
  const emission = (kind: WindowEmissionKind, entry: Entry<Acc>): WindowEmission<Acc> => ({
    kind,
    key: entry.key,
    window: { start: entry.start, end: entry.end },
    value: entry.acc,
    revision: entry.revision,
  })
  const say = (entry: Entry<Acc>): void => {
    entry.isChanged = false
    said.push(emission(entry.isPublished ? 'correction' : 'final', entry))
    entry.isPublished = true
  }
  const note = (entry: Entry<Acc>): void => {
    if (entry.isFired && !entry.isChanged) {
      entry.isChanged = true
      changed.push(entry)
    }
    if (!entry.isFired) fresh.add(entry)
  }
  const fire = (entry: Entry<Acc>): void => {
    entry.isFired = true
    fresh.delete(entry)
    note(entry)
    timers.push(expiresAt(entry.end), entry)
  }
  const remove = (entry: Entry<Acc>): void => {
    const list = windowsOf.get(entry.key)
    invariant(list !== undefined, 'a window that is alive has its key')
    list.splice(list.indexOf(entry), 1)
    if (list.length === 0) windowsOf.delete(entry.key)
    entry.isGone = true
    fresh.delete(entry)
    size -= 1
  }
  /** Puts a new window at its place, ascending; its time may have come already. */
  const put = (key: string, { start, end }: Window, acc: Acc, revision: number): Entry<Acc> => {
    const entry: Entry<Acc> = {
      ...{ key, start, end, acc, revision },
      ...{ isFired: false, isPublished: false, isShown: false, isChanged: false, isGone: false },
    }
    const list = windowsOf.get(key) ?? []
    if (list.length === 0) windowsOf.set(key, list)
    let at = list.length
    while (at > 0 && (list[at - 1] as Entry<Acc>).start > start) at -= 1
    list.splice(at, 0, entry)
    size += 1
    if (watermark >= firesAt(end)) fire(entry)
    else timers.push(firesAt(end), entry)
    return entry
  }
  const change = (entry: Entry<Acc>, value: In, eventTime: number): void => {
    entry.acc = aggregate.add(entry.acc, value, eventTime)
    entry.revision += 1
    note(entry)
  }

  const addFixed = (key: string, eventTime: number, value: In): readonly Window[] => {
    const late: Window[] = []
    for (const window of assign(eventTime)) {
      if (watermark >= expiresAt(window.end)) {
        late.push(window)
        continue
      }
      const known = windowsOf.get(key)?.find(({ start }) => start === window.start)
      change(known ?? put(key, window, aggregate.empty, 0), value, eventTime)
    }
    return late
  }
  const addSession = (key: string, eventTime: number, value: In): readonly Window[] => {
    const [alone] = assign(eventTime)
    invariant(alone !== undefined, 'an event is a session of its own')
    const list = windowsOf.get(key) ?? []
    const { at, count, merged } = mergeWith(list, alone, false)
    if (watermark >= expiresAt(merged.end)) return [alone]
    const parts = list.slice(at, at + count)
    const [only] = parts
    if (count === 1 && only !== undefined && only.start === merged.start && only.end === merged.end) {
      change(only, value, eventTime)
      return []
    }
    let acc = aggregate.empty
    let revision = 0
    for (const part of parts) {
      remove(part)
      if (part.isPublished) said.push(emission('retraction', part))
      else if (part.isShown) withdrawn.push(emission('retraction', part))
      acc = aggregate.merge(acc, part.acc)
      revision += part.revision
    }
    change(put(key, merged, acc, revision), value, eventTime)
    return []
  }
  const flushChanged = (): void => {
    for (const entry of changed) if (entry.isChanged && !entry.isGone) say(entry)
    changed = []
  }

  return {
    add(key, eventTime, value) {
      invariant(
        Number.isSafeInteger(eventTime) && Math.abs(eventTime) <= eventTimeMax,
        `an event time is a whole number of ms, at most ${eventTimeMax} from 1970, was ${eventTime}`,
      )
      return spec.kind === 'session' ? addSession(key, eventTime, value) : addFixed(key, eventTime, value)
    },
    advance(to) {
      if (!(to > watermark)) return
      watermark = to
      for (let entry = timers.popUntil(to); entry !== undefined; entry = timers.popUntil(to)) {
        if (entry.isGone) continue
        if (!entry.isFired) {
          fire(entry)
          continue
        }
        if (entry.isChanged) say(entry)
        remove(entry)
      }
    },
    pulse() {
      const updates = [...withdrawn, ...[...fresh].map((entry) => emission('update', entry))]
      for (const entry of fresh) entry.isShown = true
      fresh = new Set()
      withdrawn = []
      return updates
    },
    drain() {
      flushChanged()
      const taken = said
      said = []
      return taken
    },
    write(writer) {
      invariant(said.length === 0 && changed.length === 0, 'windows are drained before they are written')
      writer.f64(watermark)
      writer.uint(size)
      for (const list of windowsOf.values())
        for (const entry of list) {
          writer.text(entry.key)
          writer.f64(entry.start)
          writer.f64(entry.end)
          writer.uint(entry.revision)
          writer.byte(entry.isPublished ? 1 : 0)
          aggregate.write(writer, entry.acc)
        }
    },
    read(reader) {
      invariant(size === 0, 'windows are read into empty ones')
      watermark = reader.f64()
      for (let count = reader.uint(); count > 0; count--) {
        const key = reader.text()
        const window = { start: reader.f64(), end: reader.f64() }
        const revision = reader.uint()
        const isPublished = reader.byte() === 1
        const entry = put(key, window, aggregate.read(reader), revision)
        entry.isPublished = isPublished
        // It was taken before it was written: `put` saw it fire anew.
        entry.isChanged = false
      }
      changed = []
    },
    get watermark() {
      return watermark
    },
    get size() {
      return size
    },
  }
}
