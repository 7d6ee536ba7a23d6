import {
  createRecordsBatch,
  fetchV11,
  fetchV12,
  fetchV13,
  fetchV14,
  fetchV15,
  fetchV16,
  fetchV17,
  Reader,
  ResponseError,
  Writer,
} from '@platformatic/kafka'
import { describe, expect, it } from 'vitest'
import { flexibleFetch, parseFetchResponse } from './fetch-response.ts'

const versions = new Map<
  number,
  { readonly parseResponse: (id: number, key: number, version: number, r: Reader) => object }
>([
  [11, fetchV11],
  [12, fetchV12],
  [13, fetchV13],
  [14, fetchV14],
  [15, fetchV15],
  [16, fetchV16],
  [17, fetchV17],
])
const topicId = '12345678-1234-1234-1234-123456789abc'

function batch(): Buffer {
  const message = { topic: 't', value: Buffer.from('value'), timestamp: 1_790_000_000_000n }
  const options = {
    ...{ compression: 'none', producerId: -1n, producerEpoch: -1, partitionLeaderEpoch: 3 },
    sequences: { getWithDefault: () => 0 },
  }
  return Buffer.from(createRecordsBatch([message], options as never).buffer)
}

interface PartitionDraw {
  readonly partition: number
  readonly errorCode?: number
  readonly aborted?: readonly { readonly producerId: bigint; readonly firstOffset: bigint }[] | null
  readonly bytes: Buffer | null
  readonly diverging?: { readonly epoch: number; readonly endOffset: bigint }
}

/** An answer as a broker writes it. */
function answer(version: number, errorCode: number, partitions: readonly PartitionDraw[]): Reader {
  const isFlexible = version >= flexibleFetch
  const writer = Writer.create().appendInt32(7).appendInt16(errorCode).appendInt32(99)
  writer.appendArray(
    [...(errorCode === 0 ? [partitions] : [])],
    (w, list) => {
      if (version >= 13) w.appendUUID(topicId)
      else w.appendString('ticks', isFlexible)
      w.appendArray(
        [...list],
        (p, { partition, errorCode: own = 0, aborted = [], bytes, diverging }) => {
          p.appendInt32(partition).appendInt16(own).appendInt64(50n).appendInt64(40n).appendInt64(10n)
          p.appendArray(
            aborted === null ? null : [...aborted],
            (a, { producerId, firstOffset }) => a.appendInt64(producerId).appendInt64(firstOffset),
            isFlexible,
            isFlexible,
          )
          p.appendInt32(-1)
          p.appendBytes(bytes, isFlexible)
          if (!isFlexible) return
          p.appendUnsignedVarInt(diverging === undefined ? 0 : 2)
          if (diverging === undefined) return
          p.appendUnsignedVarInt(0)
            .appendUnsignedVarInt(13)
            .appendInt32(diverging.epoch)
            .appendInt64(diverging.endOffset)
          p.appendUnsignedVarInt(0) // the structure's own tagged fields
          p.appendUnsignedVarInt(9).appendUnsignedVarInt(2).appendInt16(1) // a field of a later version
        },
        isFlexible,
        false,
      )
    },
    isFlexible,
    isFlexible,
  )
  if (isFlexible) writer.appendTaggedFields()
  return Reader.from(writer.buffer)
}

describe.each([...versions])('an answer to Fetch, version %i', (version, library) => {
  const draws: readonly PartitionDraw[] = [
    { partition: 0, bytes: batch(), aborted: [{ producerId: 5n, firstOffset: 12n }] },
    { partition: 3, bytes: null, aborted: null, errorCode: 6 },
    { partition: 4, bytes: Buffer.alloc(0) },
    { partition: 2 ** 20, bytes: batch() },
  ]

  it('is read with its batches as they came, and the errors of its partitions told', () => {
    const reader = answer(version, 0, draws)
    const response = parseFetchResponse(1, 1, version, reader)
    expect(reader.remaining).toBe(0)
    expect(response).toMatchObject({ throttleTimeMs: 7, errorCode: 0, sessionId: 99 })
    expect(response.responses.map((topic) => topic.topicId)).toEqual([version >= 13 ? topicId : 'ticks'])
    expect(response.responses[0]?.partitions).toEqual(
      draws.map(({ partition, errorCode = 0, aborted, bytes }) => ({
        ...{ partitionIndex: partition, errorCode, abortedTransactions: aborted ?? [], preferredReadReplica: -1 },
        ...{ bytes: bytes ?? Buffer.alloc(0), diverging: undefined, records: null },
      })),
    )
  })

  it('agrees with the client on everything but the batches', () => {
    const healthy = draws.filter(({ errorCode = 0 }) => errorCode === 0)
    const theirs = library.parseResponse(1, 1, version, answer(version, 0, healthy))
    const ours = parseFetchResponse(1, 1, version, answer(version, 0, healthy))
    const { responses } = ours
    expect(theirs).toMatchObject({
      ...{ throttleTimeMs: ours.throttleTimeMs, sessionId: ours.sessionId },
      responses: responses.map((topic) => ({
        topicId: topic.topicId,
        partitions: topic.partitions.map(({ partitionIndex, errorCode }) => ({ partitionIndex, errorCode })),
      })),
    })
  })

  it('fails as a whole where the request did', () => {
    expect(() => parseFetchResponse(1, 1, version, answer(version, 70, []))).toThrow(ResponseError)
  })
})

it.each([...versions.keys()].filter((version) => version >= flexibleFetch))(
  'an answer of version %i tells where the log was cut, and what later versions add is passed over',
  (version) => {
    const diverging = { epoch: 4, endOffset: 77n }
    const reader = answer(version, 0, [{ partition: 1, bytes: null, diverging }])
    const response = parseFetchResponse(1, 1, version, reader)
    expect(reader.remaining).toBe(0)
    expect(response.responses[0]?.partitions[0]?.diverging).toEqual(diverging)
  },
)
