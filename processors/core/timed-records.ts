import type { ByteReader, ByteWriter } from './byte-buffer.ts'
import type { Codec } from './codec.ts'
import { createTimeHeap } from './windows/time-heap.ts'

/** A record that is kept for a while. */
export interface TimedRecord<T> {
  readonly key: string
  readonly eventTime: number
  readonly offset: number
  readonly value: T
  /** Its place in the order of arrival. */
  readonly seq: number
  readonly isMarked: boolean
}

/** Records of many keys, each by its event time, until the watermark has passed it by a fixed time. */
export interface TimedRecords<T> {
  add(record: Omit<TimedRecord<T>, 'seq'>): void
  mark(record: TimedRecord<T>): void
  /** Those of a key with an event time in `[from, to]`, ascending; of one instant in the order of arrival. */
  between(key: string, from: number, to: number): readonly TimedRecord<T>[]
  countOf(key: string): number
  /** Takes out those that the watermark has passed: ascending by event time, then key, then arrival. */
  expire(watermark: number): readonly TimedRecord<T>[]
  /** Writes every record, or only those added or marked since the last time. */
  write(writer: ByteWriter, full: boolean): void
  /** Adds what was written. What has expired since the state before is not in it: `expire` after it. */
  read(reader: ByteReader): void
  readonly size: number
}

interface Entry<T> extends TimedRecord<T> {
  isMarked: boolean
  isGone: boolean
  /** Since the last write: it is written whole, and with it its mark. */
  isAdded: boolean
}

interface List<T> {
  readonly key: string
  /** Ascending by event time, then arrival. */
  readonly entries: Entry<T>[]
  /** When it is looked at next; the heap may hold a later time of it too, at which nothing is due. */
  dueAt: number
}

/** @param keepMs A record expires when the watermark reaches its event time + this. */
export function createTimedRecords<T>(codec: Codec<T>, keepMs: number): TimedRecords<T> {
  // Checkpointed.
  const listOf = new Map<string, List<T>>()
  let nextSeq = 0
  // Not checkpointed.
  const due = createTimeHeap<List<T>>((a, b) => a.key < b.key)
  let size = 0
  let added: Entry<T>[] = []
  let marked: Entry<T>[] = []

  const arm = (list: List<T>): void => {
    const first = list.entries[0]
    if (first === undefined) {
      listOf.delete(list.key)
      return
    }
    if (first.eventTime + keepMs === list.dueAt) return
    list.dueAt = first.eventTime + keepMs
    due.push(list.dueAt, list)
  }
  const put = (entry: Entry<T>): void => {
    let list = listOf.get(entry.key)
    if (list === undefined) {
      list = { key: entry.key, entries: [], dueAt: Number.NaN }
      listOf.set(entry.key, list)
    }
    list.entries.splice(firstAfter(list.entries, entry.eventTime), 0, entry)
    size += 1
    arm(list)
  }
  const find = (key: string, eventTime: number, seq: number): Entry<T> | undefined => {
    const entries = listOf.get(key)?.entries ?? []
    for (let i = firstAfter(entries, eventTime) - 1; i >= 0; i--) if (entries[i]?.seq === seq) return entries[i]
    return undefined
  }
  const setMark = (entry: Entry<T>): void => {
    if (entry.isMarked) return
    entry.isMarked = true
    if (!entry.isAdded) marked.push(entry)
  }

  return {
    add(record) {
      const entry = { ...record, seq: nextSeq++, isGone: false, isAdded: true }
      put(entry)
      added.push(entry)
    },
    mark({ key, eventTime, seq }) {
      const entry = find(key, eventTime, seq)
      if (entry !== undefined) setMark(entry)
    },
    between(key, from, to) {
      const entries = listOf.get(key)?.entries ?? []
      return entries.slice(firstFrom(entries, from), firstAfter(entries, to))
    },
    countOf: (key) => listOf.get(key)?.entries.length ?? 0,
    expire(watermark) {
      const expired: Entry<T>[] = []
      for (let list = due.popUntil(watermark); list !== undefined; list = due.popUntil(watermark)) {
        for (const entry of list.entries.splice(0, firstAfter(list.entries, watermark - keepMs))) {
          entry.isGone = true
          expired.push(entry)
        }
        arm(list)
      }
      size -= expired.length
      return expired.sort(inOrder)
    },
    write(writer, full) {
      const all = full ? [...listOf.values()].flatMap(({ entries }) => entries) : added.filter(({ isGone }) => !isGone)
      const marks = full ? [] : marked.filter(({ isGone }) => !isGone)
      writer.uint(nextSeq)
      writer.uint(all.length)
      for (const entry of all) {
        writer.text(entry.key)
        writer.f64(entry.eventTime)
        writer.f64(entry.offset)
        writer.uint(entry.seq)
        writer.byte(entry.isMarked ? 1 : 0)
        codec.write(writer, entry.value)
      }
      writer.uint(marks.length)
      for (const entry of marks) {
        writer.text(entry.key)
        writer.f64(entry.eventTime)
        writer.uint(entry.seq)
      }
      for (const entry of added) entry.isAdded = false
      added = []
      marked = []
    },
    read(reader) {
      nextSeq = reader.uint()
      for (let count = reader.uint(); count > 0; count--)
        put({
          key: reader.text(),
          eventTime: reader.f64(),
          offset: reader.f64(),
          seq: reader.uint(),
          isMarked: reader.byte() === 1,
          value: codec.read(reader),
          isGone: false,
          isAdded: false,
        })
      for (let count = reader.uint(); count > 0; count--) {
        const entry = find(reader.text(), reader.f64(), reader.uint())
        if (entry !== undefined) entry.isMarked = true
      }
    },
    get size() {
      return size
    },
  }
}

/** Place of the first entry with an event time above `time`. */
function firstAfter(entries: readonly TimedRecord<unknown>[], time: number): number {
  return placeOf(entries, (eventTime) => eventTime > time)
}

/** Place of the first entry with an event time of at least `time`. */
function firstFrom(entries: readonly TimedRecord<unknown>[], time: number): number {
  return placeOf(entries, (eventTime) => eventTime >= time)
}

function placeOf(entries: readonly TimedRecord<unknown>[], isReached: (eventTime: number) => boolean): number {
  let low = 0
  let high = entries.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (isReached((entries[middle] as TimedRecord<unknown>).eventTime)) high = middle
    else low = middle + 1
  }
  return low
}

function inOrder(a: TimedRecord<unknown>, b: TimedRecord<unknown>): number {
  if (a.eventTime !== b.eventTime) return a.eventTime - b.eventTime
  if (a.key !== b.key) return a.key < b.key ? -1 : 1
  return a.seq - b.seq
}
