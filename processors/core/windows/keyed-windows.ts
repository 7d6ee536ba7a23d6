import { invariant } from '../../../schemas/errors.ts'
import { timeMsMax } from '../../../schemas/times.ts'
import type { ByteReader, ByteWriter } from '../byte-buffer.ts'
import type { Aggregate } from './aggregate.ts'
import { mergeWith } from './merging.ts'
import type { Window } from './span.ts'
import { createTimeHeap } from './time-heap.ts'
import { checkWindow, type WindowSpec, windowAssigner } from './window.ts'
import { type Entry, emission, entryCodec, isBefore, type WindowEmission } from './window-entry.ts'

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
export interface EventWindows<In, Acc> {
  /**
   * Puts an event into its windows; what the aggregate throws leaves them as they were.
   *
   * @param weight What it adds to the revision, 1 or 0. Default 1.
   * @returns The windows it was too late for.
   */
  add(key: string, eventTime: number, value: In, weight?: number): readonly Window[]
  /** Every event up to `watermark` has arrived: fires and expires what that passes. A lower one changes nothing. */
  advance(watermark: number): void
  /** Takes the updates of open windows since the last pulse, and retractions of those that a merge took in. */
  pulse(): WindowEmission<Acc>[]
  /** Takes the finals, corrections and retractions since the last time, of each window the last. */
  drain(): WindowEmission<Acc>[]
  /**
   * Writes everything, or only the keys that changed since the last time. Drain first: what has not been taken is not
   * written, but for retractions that wait for the pulse.
   */
  write(writer: ByteWriter, full?: boolean): void
  /** Reads everything into empty windows, then, in order, what changed. */
  read(reader: ByteReader): void
  /** Windows alive. */
  readonly size: number
}

/** Windows of event time. */
export interface KeyedWindows<In, Acc> extends EventWindows<In, Acc> {
  readonly watermark: number
  /** Keys that have windows alive. */
  readonly keys: number
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
  const codec = entryCodec(aggregate)
  let watermark = Number.NEGATIVE_INFINITY
  let size = 0
  let changed: Entry<Acc>[] = []
  let fresh = new Set<Entry<Acc>>()
  let said: WindowEmission<Acc>[] = []
  /** Retractions of sessions of which only updates were said. */
  let withdrawn: WindowEmission<Acc>[] = []
  /** Keys whose windows are not as they were last written. */
  const touched = new Set<string>()

  const expiresAt = (end: number): number => end - 1 + lateness
  const firesAt = (end: number): number => end - 1 + waitMs
  const isEmpty = (entry: Entry<Acc>): boolean => aggregate.isEmpty?.(entry.acc) === true
  /** What a final replaces is taken back before it, not at the pulse after it. */
  const withdrawFirst = (key: string): void => {
    if (withdrawn.length === 0) return
    said.push(...withdrawn.filter((retraction) => retraction.key === key))
    withdrawn = withdrawn.filter((retraction) => retraction.key !== key)
  }
  const say = (entry: Entry<Acc>): void => {
    entry.isChanged = false
    withdrawFirst(entry.key)
    if (!isEmpty(entry)) {
      said.push(emission(entry.isPublished ? 'correction' : 'final', entry))
      entry.isPublished = true
      return
    }
    if (entry.isPublished || entry.isShown) said.push(emission('retraction', entry))
    entry.isPublished = entry.isShown = false
  }
  const note = (entry: Entry<Acc>): void => {
    touched.add(entry.key)
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
    touched.add(entry.key)
    size -= 1
  }
  /** Puts a new window at its place, ascending; its time may have come already. */
  const put = (key: string, { start, end }: Window, acc: Acc, revision: number): Entry<Acc> => {
    const entry: Entry<Acc> = {
      ...{ key, start, end, acc, revision },
      ...{ isFired: false, isPublished: false, isShown: false, isChanged: false, isGone: false },
    }
    const list = windowsOf.get(key) ?? []
    windowsOf.set(key, list)
    let at = list.length
    while (at > 0 && (list[at - 1] as Entry<Acc>).start > start) at -= 1
    list.splice(at, 0, entry)
    size += 1
    if (watermark >= firesAt(end)) fire(entry)
    else timers.push(firesAt(end), entry)
    return entry
  }
  const change = (entry: Entry<Acc>, acc: Acc, weight: number): void => {
    entry.acc = acc
    entry.revision += weight
    note(entry)
  }

  const addFixed = (key: string, eventTime: number, value: In, weight: number): readonly Window[] => {
    const late: Window[] = []
    const changes: { readonly known: Entry<Acc> | undefined; readonly window: Window; readonly acc: Acc }[] = []
    for (const window of assign(eventTime)) {
      if (watermark >= expiresAt(window.end)) {
        late.push(window)
        continue
      }
      const known = windowsOf.get(key)?.find(({ start }) => start === window.start)
      changes.push({ known, window, acc: aggregate.add(known?.acc ?? aggregate.empty, value, eventTime) })
    }
    for (const { known, window, acc } of changes) change(known ?? put(key, window, aggregate.empty, 0), acc, weight)
    return late
  }
  const addSession = (key: string, eventTime: number, value: In, weight: number): readonly Window[] => {
    const [alone] = assign(eventTime)
    invariant(alone !== undefined, 'an event is a session of its own')
    const list = windowsOf.get(key) ?? []
    const { at, count, merged } = mergeWith(list, alone, false)
    if (watermark >= expiresAt(merged.end)) return [alone]
    const parts = list.slice(at, at + count)
    const [only] = parts
    if (count === 1 && only !== undefined && only.start === merged.start && only.end === merged.end) {
      change(only, aggregate.add(only.acc, value, eventTime), weight)
      return []
    }
    const joined = parts.reduce((acc, part) => aggregate.merge(acc, part.acc), aggregate.empty)
    const acc = aggregate.add(joined, value, eventTime)
    for (const part of parts) {
      remove(part)
      if (part.isPublished) said.push(emission('retraction', part))
      else if (part.isShown) withdrawn.push(emission('retraction', part))
    }
    const revision = parts.reduce((sum, part) => sum + part.revision, 0)
    change(put(key, merged, aggregate.empty, revision), acc, weight)
    return []
  }
  const flushChanged = (): void => {
    for (const entry of changed) if (entry.isChanged && !entry.isGone) say(entry)
    changed = []
  }

  return {
    add(key, eventTime, value, weight = 1) {
      invariant(
        Number.isSafeInteger(eventTime) && Math.abs(eventTime) <= timeMsMax,
        () => `an event time is a whole number of ms, at most ${timeMsMax} from 1970, was ${eventTime}`,
      )
      return spec.kind === 'session'
        ? addSession(key, eventTime, value, weight)
        : addFixed(key, eventTime, value, weight)
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
      const updates = withdrawn
      for (const entry of fresh) {
        touched.add(entry.key)
        if (!isEmpty(entry)) updates.push(emission('update', entry))
        else if (entry.isShown) updates.push(emission('retraction', entry))
        entry.isShown = !isEmpty(entry)
      }
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
    write(writer, full = true) {
      invariant(said.length === 0 && changed.length === 0, 'windows are drained before they are written')
      writer.f64(watermark)
      writer.uint(withdrawn.length)
      for (const retraction of withdrawn) codec.writeRetraction(writer, retraction)
      const keys = full ? windowsOf : touched
      writer.uint(keys.size)
      for (const key of keys.keys()) {
        const list = windowsOf.get(key) ?? []
        writer.text(key)
        writer.uint(list.length)
        for (const entry of list) codec.write(writer, entry, fresh.has(entry))
      }
      touched.clear()
    },
    read(reader) {
      watermark = reader.f64()
      withdrawn = []
      for (let count = reader.uint(); count > 0; count--) withdrawn.push(codec.readRetraction(reader))
      for (let keys = reader.uint(); keys > 0; keys--) {
        const key = reader.text()
        for (const entry of [...(windowsOf.get(key) ?? [])]) remove(entry)
        for (let count = reader.uint(); count > 0; count--) {
          const read = codec.read(reader)
          const entry = put(key, read.window, read.value, read.revision)
          entry.isPublished = read.isPublished
          entry.isShown = read.isShown
          // It was taken before it was written: `put` saw it fire anew.
          entry.isChanged = false
          if (read.isFresh) fresh.add(entry)
        }
      }
      changed = []
      touched.clear()
    },
    get watermark() {
      return watermark
    },
    get size() {
      return size
    },
    get keys() {
      return windowsOf.size
    },
  }
}
