import type { Admin, Broker, OffsetRange, StoredRecord } from '../ports/broker.ts'
import type { FeedPosition } from '../ports/feed.ts'
import { readThrough } from '../ports/read-through.ts'
import { type ControlRecord, controlHeader } from '../schemas/control.ts'
import { TransientError } from '../schemas/errors.ts'
import type { FramedDecoder } from '../schemas/framed-decoder.ts'

/** Records read back from a partition's end at first. */
export const tailRecordsFirst = 2_000
/** Records read back at most: a line that wrote nothing in so many is taken as new. */
export const tailRecordsMax = tailRecordsFirst * 8 ** 3

const widening = 8

interface FeedPositionOptions {
  readonly broker: Pick<Broker, 'read'> & { readonly admin: Pick<Admin, 'offsets'> }
  readonly topic: string
  readonly line: string
  readonly decodeControl: FramedDecoder<ControlRecord>
  /** Silence after which a read is given up; default 15,000. */
  readonly quietMs?: number
}

/**
 * Reads back where a line stopped: the cursor of its last heartbeat that has one, in each partition.
 * Reads `tailRecordsFirst` records of each partition, then eight times as many where none was found, to `tailRecordsMax`.
 *
 * @throws {TransientError} When broker or registry cannot be reached, or a tail cannot be read: a feed that took that
 * for a new line would give its ids out again.
 */
export async function readFeedPosition(options: FeedPositionOptions): Promise<FeedPosition> {
  const cursors = new Map<number, string>()
  const ranges = await options.broker.admin.offsets(options.topic)
  let open = [...ranges].filter(([, range]) => range.latest > range.earliest)
  for (let length = tailRecordsFirst; open.length > 0; length *= widening) {
    await readTails(options, open, length, cursors)
    const canWiden = length < tailRecordsMax
    open = open.filter(([at, range]) => canWiden && !cursors.has(at) && range.latest - length > range.earliest)
  }
  return { cursors }
}

async function readTails(
  options: FeedPositionOptions,
  ranges: readonly (readonly [number, OffsetRange])[],
  length: number,
  cursors: Map<number, string>,
): Promise<void> {
  const { broker, topic, quietMs } = options
  await readThrough({
    broker,
    topic,
    spans: new Map(
      ranges.map(([at, { earliest, latest }]) => [at, { from: Math.max(earliest, latest - length), to: latest }]),
    ),
    ...(quietMs === undefined ? {} : { quietMs }),
    async take(partition, records) {
      for (const record of records) {
        const cursor = await cursorOf(record, options)
        if (cursor !== undefined) cursors.set(partition, cursor)
      }
    },
    // The last offsets may hold no record. An older cursor only makes the same ticks again; none at all would not.
    quiet: (waiting) => (waiting.every((at) => cursors.has(at)) ? undefined : unread(topic)),
  })
}

function unread(topic: string): TransientError {
  return new TransientError({
    code: 'FEED_POSITION_UNREAD',
    message: `The end of topic ${topic} could not be read back`,
    why: 'The broker gave no records of a partition that has some',
    hint: 'Look at the broker; the feed tries again when it is restarted',
  })
}

/** A damaged record is the engine's to report; here it holds no cursor. */
async function cursorOf(record: StoredRecord, options: FeedPositionOptions): Promise<string | undefined> {
  if (record.headers[controlHeader] !== 'heartbeat') return undefined
  const { decodeControl, line } = options
  let decoded = decodeControl.decode(record.value)
  if (decoded.status === 'needsSchema') {
    await decodeControl.resolveSchema(decoded.schemaId)
    decoded = decodeControl.decode(record.value)
  }
  if (decoded.status !== 'value' || decoded.value.kind !== 'heartbeat' || decoded.value.line !== line) return undefined
  return decoded.value.cursor ?? undefined
}
