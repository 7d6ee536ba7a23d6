import type { AbortedTransaction } from './fetched-cursor.ts'
import { KafkaRefusal, type Request } from './requests.ts'
import type { WireReader } from './wire-reader.ts'

const oldestFetch = 11
const newestFetch = 17
/** From this version on lengths are varints, and fields may be tagged. */
const flexibleFetch = 12
/** From this version on topics are named by their ids. */
export const topicIdsFetch = 13
/** From this version on a request says nothing of a replica. */
const noReplicaFetch = 15
/** Aborted transactions are told. */
const readCommitted = 1

/** A partition's part of an answer: its batches as bytes, as the broker sent them. */
export interface FetchedPartition {
  readonly partitionIndex: number
  /** The partition's own: one that is in trouble does not keep the others from being read. */
  readonly errorCode: number
  readonly abortedTransactions: readonly AbortedTransaction[]
  /** The last one may be cut. */
  readonly bytes: Buffer
  /** The log was cut below what was read of it: the last epoch that both have in common, and where it ends. */
  readonly diverging: { readonly epoch: number; readonly endOffset: bigint } | undefined
}

export interface PartitionToFetch {
  readonly partition: number
  readonly offset: number
  readonly bytesMax: number
  /** Epoch of the leader that wrote what was read last, or -1: tells a log that was cut meanwhile. */
  readonly lastEpoch: number
}

export interface FetchArguments {
  /** How long the broker waits for the first record. */
  readonly waitMs: number
  readonly bytesMax: number
  readonly topic: string
  readonly topicId: string
  readonly partitions: readonly PartitionToFetch[]
}

export type FetchRequest = Request<[FetchArguments], readonly FetchedPartition[]>

const noBytes = Buffer.alloc(0)

/** Fetch of one topic, without a session. @see https://kafka.apache.org/protocol.html#The_Messages_Fetch */
function fetchVersion(version: number): FetchRequest {
  const isFlexible = version >= flexibleFetch
  return {
    ...{ key: 1, version, isFlexible },
    write(writer, { waitMs, bytesMax, topic, topicId, partitions }) {
      if (version < noReplicaFetch) writer.int32(-1)
      writer.int32(waitMs).int32(1).int32(bytesMax).int8(readCommitted)
      writer.int32(0).int32(-1) // no session
      writer.array([topic], () => {
        if (version >= topicIdsFetch) writer.uuid(topicId)
        else writer.string(topic)
        writer.array(partitions, (one) => {
          writer.int32(one.partition).int32(-1).int64(BigInt(one.offset))
          if (isFlexible) writer.int32(one.lastEpoch)
          writer.int64(-1n).int32(one.bytesMax).end()
        })
        writer.end()
      })
      writer.array([], () => undefined) // nothing to forget
      writer.string('').end()
    },
    read(reader) {
      reader.int32() // throttling
      const errorCode = reader.int16()
      reader.int32() // session
      const topics = reader.array(() => {
        if (version >= topicIdsFetch) reader.uuid()
        else reader.string()
        const partitions = reader.array(() => partitionOf(reader))
        reader.end()
        return partitions
      })
      reader.end()
      if (errorCode !== 0) throw new KafkaRefusal('Fetch', errorCode)
      return topics.flat()
    },
  }
}

/** The newest first. */
export const fetchVersions: readonly FetchRequest[] = Array.from({ length: newestFetch - oldestFetch + 1 }, (_, i) =>
  fetchVersion(newestFetch - i),
)

function partitionOf(reader: WireReader): FetchedPartition {
  const partitionIndex = reader.int32()
  const errorCode = reader.int16()
  reader.skip(3 * 8) // high watermark, last stable offset, start of the log
  const abortedTransactions = reader.array(() => {
    const aborted = { producerId: reader.int64(), firstOffset: reader.int64() }
    reader.end()
    return aborted
  })
  reader.int32() // a replica that is nearer
  const bytes = reader.nullableBytes() ?? noBytes
  let diverging: FetchedPartition['diverging']
  reader.end({
    tag: 0,
    read() {
      diverging = { epoch: reader.int32(), endOffset: reader.int64() }
    },
  })
  return { partitionIndex, errorCode, abortedTransactions, bytes, diverging }
}
