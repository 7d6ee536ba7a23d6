import { type Reader, ResponseError, readKnownTaggedFields } from '@platformatic/kafka'
import type { AbortedTransaction } from './fetched-cursor.ts'

/** From this version of Fetch on: lengths are varints, and fields may be tagged. */
export const flexibleFetch = 12
/** From this version of Fetch on topics are named by their ids. */
const topicIdsFetch = 13

/** A partition's part of an answer: its batches as bytes, as the broker sent them. */
export interface FetchedPartition {
  readonly partitionIndex: number
  /** The partition's own: one that is in trouble does not keep the others from being read. */
  readonly errorCode: number
  readonly abortedTransactions: readonly AbortedTransaction[]
  readonly preferredReadReplica: number
  /** The last one may be cut. */
  readonly bytes: Buffer
  /** The log was cut below what was read of it: the last epoch that both have in common, and where it ends. */
  readonly diverging: { readonly epoch: number; readonly endOffset: bigint } | undefined
  /** Where the client's own parser puts what it made of the records: nothing. */
  readonly records: null
}

export interface FetchedResponse {
  readonly throttleTimeMs: number
  readonly errorCode: number
  readonly sessionId: number
  readonly nodeEndpoints: readonly never[]
  readonly responses: readonly { readonly topicId: string; readonly partitions: readonly FetchedPartition[] }[]
}

const noBytes = Buffer.alloc(0)

/**
 * Reads an answer to Fetch, versions 11 to 17, without looking into the batches.
 *
 * @see https://kafka.apache.org/protocol.html#The_Messages_Fetch
 * @throws {ResponseError} Where the whole request failed; the error of a partition is only told.
 */
export function parseFetchResponse(_id: number, apiKey: number, apiVersion: number, reader: Reader): FetchedResponse {
  const isFlexible = apiVersion >= flexibleFetch
  const throttleTimeMs = reader.readInt32()
  const errorCode = reader.readInt16()
  const sessionId = reader.readInt32()
  const responses = reader.readArray(
    (r) => ({
      topicId: apiVersion >= topicIdsFetch ? r.readUUID() : r.readString(isFlexible),
      partitions: r.readArray((p) => partitionOf(p, isFlexible), isFlexible, false),
    }),
    isFlexible,
    isFlexible,
  )
  if (isFlexible) reader.readTaggedFields()
  const response = { throttleTimeMs, errorCode, sessionId, nodeEndpoints: [], responses }
  if (errorCode !== 0) throw new ResponseError(apiKey, apiVersion, { '': [errorCode, null] }, response)
  return response
}

function partitionOf(r: Reader, isFlexible: boolean): FetchedPartition {
  const partitionIndex = r.readInt32()
  const errorCode = r.readInt16()
  r.skip(3 * 8) // high watermark, last stable offset, start of the log
  const transactionOf = () => ({ producerId: r.readInt64(), firstOffset: r.readInt64() })
  const abortedTransactions = r.readNullableArray(transactionOf, isFlexible, isFlexible) ?? []
  const preferredReadReplica = r.readInt32()
  const bytes = r.readNullableBytes(isFlexible) ?? noBytes
  let diverging: FetchedPartition['diverging']
  if (isFlexible)
    readKnownTaggedFields(r, {
      0: (field) => {
        diverging = { epoch: field.readInt32(), endOffset: field.readInt64() }
      },
    })
  return { partitionIndex, errorCode, abortedTransactions, preferredReadReplica, bytes, diverging, records: null }
}
