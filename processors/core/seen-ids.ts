import type { ByteReader, ByteWriter } from './byte-buffer.ts'
import { createTimeHeap } from './windows/time-heap.ts'

/** What tells one event from another; `1` and `'1'` are two. */
export type EventId = string | number

/** Ids of a key that are remembered at once; of one more, the first that came is forgotten. */
export const seenIdsMax = 100_000

/** Ids of many keys, each remembered until the watermark has passed its event time by a horizon. */
export interface SeenIds {
  /**
   * Remembers an id.
   *
   * @returns Whether it was new. What is itself older than the horizon cannot be judged: it counts as new.
   */
  add(key: string, id: EventId, eventTime: number): boolean
  advance(watermark: number): void
  /** Writes every id, or only what was added and evicted since the last time. */
  write(writer: ByteWriter, full: boolean): void
  read(reader: ByteReader): void
  /** Ids remembered, of all keys. */
  readonly size: number
}

export interface SeenIdsOptions {
  readonly withinMs: number
  /** Default `seenIdsMax`. */
  readonly idsMax?: number
  /** An id was forgotten before its time. */
  readonly onEvicted: () => void
}

interface Entry {
  readonly key: string
  readonly id: EventId
  readonly eventTime: number
  isGone: boolean
  isWritten: boolean
}

export function createSeenIds({ withinMs, idsMax = seenIdsMax, onEvicted }: SeenIdsOptions): SeenIds {
  // Checkpointed. Of each key, in the order of arrival.
  const idsOf = new Map<string, Map<EventId, Entry>>()
  let watermark = Number.NEGATIVE_INFINITY
  // Not checkpointed.
  const due = createTimeHeap<Entry>((a, b) => a.key < b.key)
  let size = 0
  let added: Entry[] = []
  let evicted: Entry[] = []

  const put = (entry: Entry): Map<EventId, Entry> => {
    const ids = idsOf.get(entry.key) ?? new Map<EventId, Entry>()
    if (ids.size === 0) idsOf.set(entry.key, ids)
    ids.set(entry.id, entry)
    due.push(entry.eventTime + withinMs, entry)
    size += 1
    return ids
  }
  const remove = (entry: Entry): void => {
    const ids = idsOf.get(entry.key)
    entry.isGone = true
    ids?.delete(entry.id)
    if (ids?.size === 0) idsOf.delete(entry.key)
    size -= 1
  }
  const expire = (): void => {
    for (let entry = due.popUntil(watermark); entry !== undefined; entry = due.popUntil(watermark))
      if (!entry.isGone) remove(entry)
  }

  return {
    add(key, id, eventTime) {
      if (idsOf.get(key)?.has(id) === true) return false
      if (watermark >= eventTime + withinMs) return true
      const entry: Entry = { key, id, eventTime, isGone: false, isWritten: false }
      const ids = put(entry)
      added.push(entry)
      if (ids.size <= idsMax) return true
      const [oldest] = ids.values()
      if (oldest !== undefined) {
        remove(oldest)
        if (oldest.isWritten) evicted.push(oldest)
        onEvicted()
      }
      return true
    },
    advance(to) {
      if (!(to > watermark)) return
      watermark = to
      expire()
    },
    write(writer, full) {
      const list = full
        ? [...idsOf.values()].flatMap((ids) => [...ids.values()])
        : added.filter(({ isGone }) => !isGone)
      const gone = full ? [] : evicted
      writer.f64(watermark)
      writer.uint(gone.length)
      for (const { key, id } of gone) {
        writer.text(key)
        writeId(writer, id)
      }
      writer.uint(list.length)
      for (const entry of list) {
        writer.text(entry.key)
        writeId(writer, entry.id)
        writer.f64(entry.eventTime)
        entry.isWritten = true
      }
      added = []
      evicted = []
    },
    read(reader) {
      watermark = reader.f64()
      for (let count = reader.uint(); count > 0; count--) {
        const entry = idsOf.get(reader.text())?.get(readId(reader))
        if (entry !== undefined) remove(entry)
      }
      expire()
      for (let count = reader.uint(); count > 0; count--)
        put({
          ...{ key: reader.text(), id: readId(reader), eventTime: reader.f64() },
          ...{ isGone: false, isWritten: true },
        })
    },
    get size() {
      return size
    },
  }
}

const idKind = { number: 0, text: 1 } as const

function writeId(writer: ByteWriter, id: EventId): void {
  writer.byte(typeof id === 'number' ? idKind.number : idKind.text)
  if (typeof id === 'number') writer.f64(id)
  else writer.text(id)
}

function readId(reader: ByteReader): EventId {
  return reader.byte() === idKind.number ? reader.f64() : reader.text()
}
