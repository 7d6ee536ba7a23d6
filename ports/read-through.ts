import { messageOf, TransientError } from '../schemas/errors.ts'
import type { Broker, StoredRecord } from './broker.ts'

/** Offsets `[from, to)` of one partition. */
export interface OffsetSpan {
  readonly from: number
  readonly to: number
}

/** A log that says nothing for so long has no more to say. */
const quietMsDefault = 15_000

export interface ReadThroughOptions {
  readonly broker: Pick<Broker, 'read'>
  readonly topic: string
  readonly spans: ReadonlyMap<number, OffsetSpan>
  /** Records of one partition, in order and inside its span; awaited before more of it. */
  take(partition: number, records: readonly StoredRecord[]): Promise<void>
  /** Default 15,000. */
  readonly quietMs?: number
  /** What it means that the broker gives no more: an error, or undefined for the end. Default: `LOG_UNREAD`. */
  quiet?(waiting: readonly number[]): Error | undefined
}

/**
 * Reads spans of a log from their first to their last record, without a group and with one read in hand a partition.
 *
 * @throws {TransientError} `LOG_UNREAD`, or what `quiet` says, when the broker gives no more before the end of a span; what
 * `take` throws.
 */
export async function readThrough(options: ReadThroughOptions): Promise<void> {
  const { broker, topic, take, quietMs = quietMsDefault, quiet = (waiting) => unread(topic, waiting) } = options
  const spans = new Map([...options.spans].filter(([, { from, to }]) => from < to))
  if (spans.size === 0) return
  const waiting = new Set(spans.keys())
  let done: (error?: Error) => void = () => undefined
  const allRead = new Promise<void>((resolve, reject) => {
    done = (error) => (error === undefined ? resolve() : reject(error))
  })
  allRead.catch(() => undefined)
  const whenQuiet = (): void => done(quiet([...waiting]))
  let timer = setTimeout(whenQuiet, quietMs)

  const onRecords = async (partition: number, records: readonly StoredRecord[]): Promise<void> => {
    const span = spans.get(partition)
    const last = records.at(-1)
    if (span === undefined || last === undefined || !waiting.has(partition)) return
    clearTimeout(timer)
    try {
      const inside = last.offset < span.to ? records : records.filter(({ offset }) => offset < span.to)
      if (inside.length > 0) await take(partition, inside)
    } catch (error) {
      done(error instanceof Error ? error : new Error(messageOf(error)))
      waiting.delete(partition)
      return
    }
    if (last.offset >= span.to - 1) waiting.delete(partition)
    if (waiting.size === 0) done()
    else {
      clearTimeout(timer)
      timer = setTimeout(whenQuiet, quietMs)
    }
  }

  try {
    const from = new Map([...spans].map(([partition, span]) => [partition, span.from]))
    const reader = await broker.read({ topic, from, onRecords, onError: (error) => done(error) })
    try {
      await allRead
    } finally {
      await reader.close()
    }
  } finally {
    clearTimeout(timer)
  }
}

function unread(topic: string, partitions: readonly number[]): TransientError {
  return new TransientError({
    code: 'LOG_UNREAD',
    message: `topic ${topic} could not be read to the committed offset (partitions ${partitions.join(', ')})`,
    why: 'the broker gave no records for a while',
    hint: 'look at the broker (npm run doctor), and try again',
  })
}
