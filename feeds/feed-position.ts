import type { Broker, OffsetRange, StoredRecord } from '../ports/broker.ts'
import type { FeedPosition } from '../ports/feed.ts'
import { type ControlRecord, controlHeader } from '../schemas/control.ts'

/** Records read back from a partition's end at first. */
export const tailRecordsFirst = 2_000
/** Records read back at most: a line that wrote nothing in so many is taken as new. */
export const tailRecordsMax = tailRecordsFirst * 8 ** 3

const widening = 8
/** A partition that gives nothing for this long has been read: its last offsets may hold no record. */
const quietMs = 2_000

export interface FeedPositionOptions {
  readonly broker: Broker
  readonly topic: string
  readonly line: string
  /** Throws, or returns undefined, for bytes that are no control record. */
  decodeControl(value: Uint8Array): ControlRecord | undefined
}

/**
 * Reads back where a line stopped: the cursor of its last heartbeat that has one, in each partition.
 * Reads `tailRecordsFirst` records of each partition, then eight times as many where none was found, to `tailRecordsMax`.
 *
 * @throws {TransientError} When the broker cannot be reached.
 */
export async function readFeedPosition(options: FeedPositionOptions): Promise<FeedPosition> {
  const cursors = new Map<number, string>()
  const ranges = await options.broker.admin.offsets(options.topic)
  let open = [...ranges].filter(([, range]) => range.latest > range.earliest)
  for (let length = tailRecordsFirst; open.length > 0; length *= widening) {
    await readTails(options, open, length, cursors)
    const wider = length < tailRecordsMax
    open = open.filter(([at, range]) => wider && !cursors.has(at) && range.latest - length > range.earliest)
  }
  return { cursors }
}

async function readTails(
  options: FeedPositionOptions,
  ranges: readonly (readonly [number, OffsetRange])[],
  length: number,
  cursors: Map<number, string>,
): Promise<void> {
  const from = new Map(ranges.map(([at, range]) => [at, Math.max(range.earliest, range.latest - length)]))
  const waiting = new Map(ranges.map(([at, range]) => [at, range.latest]))
  let resolve: () => void = () => undefined
  let reject: (error: Error) => void = () => undefined
  const allRead = new Promise<void>((onRead, onError) => {
    resolve = onRead
    reject = onError
  })
  let timer = setTimeout(() => resolve(), quietMs)
  const reader = await options.broker.read({
    topic: options.topic,
    from,
    onRecords(partition, records) {
      clearTimeout(timer)
      timer = setTimeout(() => resolve(), quietMs)
      const latest = waiting.get(partition)
      if (latest === undefined) return undefined
      for (const record of records) {
        const cursor = cursorOf(record, options)
        if (cursor !== undefined) cursors.set(partition, cursor)
      }
      const last = records.at(-1)
      if (last !== undefined && last.offset >= latest - 1) waiting.delete(partition)
      if (waiting.size === 0) resolve()
      return undefined
    },
    onError: (error) => reject(error),
  })
  try {
    await allRead
  } finally {
    clearTimeout(timer)
    await reader.close()
  }
}

function cursorOf(record: StoredRecord, options: FeedPositionOptions): string | undefined {
  if (record.headers[controlHeader] !== 'heartbeat' || record.value === null) return undefined
  try {
    const control = options.decodeControl(record.value)
    if (control?.kind !== 'heartbeat' || control.line !== options.line) return undefined
    return control.cursor ?? undefined
  } catch {
    // A damaged record is the engine's to report; here it only holds no cursor.
    return undefined
  }
}
