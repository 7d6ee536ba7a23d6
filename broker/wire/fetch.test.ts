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
  Writer,
} from '@platformatic/kafka'
import { describe, expect, it } from 'vitest'
import { type FetchArguments, fetchVersions } from './fetch.ts'
import { KafkaRefusal } from './requests.ts'
import { WireReader } from './wire-reader.ts'
import { WireWriter } from './wire-writer.ts'

const versions = new Map<
  number,
  {
    readonly parseResponse: (id: number, key: number, version: number, r: Reader) => object
    createRequest(...args: never[]): Writer
  }
>([
  [11, fetchV11],
  [12, fetchV12],
  [13, fetchV13],
  [14, fetchV14],
  [15, fetchV15],
  [16, fetchV16],
  [17, fetchV17],
])
const flexibleFetch = 12
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
function answer(version: number, errorCode: number, partitions: readonly PartitionDraw[]): Buffer {
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
  return writer.buffer
}

const requestOf = (version: number) => {
  const request = fetchVersions.find((one) => one.version === version)
  if (request === undefined) throw new Error(`no version ${version}`)
  return request
}

describe.each([...versions])('Fetch, version %i', (version, library) => {
  const request = requestOf(version)
  const isFlexible = version >= flexibleFetch
  const draws: readonly PartitionDraw[] = [
    { partition: 0, bytes: batch(), aborted: [{ producerId: 5n, firstOffset: 12n }] },
    { partition: 3, bytes: null, aborted: null, errorCode: 6 },
    { partition: 4, bytes: Buffer.alloc(0) },
    { partition: 2 ** 20, bytes: batch() },
  ]

  it('is asked as the other client asks', () => {
    const partitions = [
      { partition: 3, offset: 2 ** 40, bytesMax: 1_048_576, lastEpoch: 7 },
      { partition: 0, offset: 0, bytesMax: 2_097_152, lastEpoch: -1 },
    ]
    const asked: FetchArguments = { waitMs: 250, bytesMax: 16_777_216, topic: 'ticks', topicId, partitions }
    const writer = new WireWriter(isFlexible)
    request.write(writer, asked)
    const theirs = partitions.map(({ partition, offset, bytesMax, lastEpoch }) => ({
      ...{ partition, currentLeaderEpoch: -1, fetchOffset: BigInt(offset) },
      ...{ lastFetchedEpoch: lastEpoch, partitionMaxBytes: bytesMax },
    }))
    const topics = [{ topicId: version >= 13 ? topicId : 'ticks', partitions: theirs }]
    const args = [250, 1, 16_777_216, 1, 0, -1, topics, [], ''] as never[]
    expect(writer.finish().subarray(4).toString('hex')).toBe(library.createRequest(...args).buffer.toString('hex'))
  })

  it('is read with its batches as they came, and the errors of its partitions told', () => {
    const reader = new WireReader(answer(version, 0, draws), isFlexible)
    expect(request.read(reader)).toEqual(
      draws.map(({ partition, errorCode = 0, aborted, bytes }) => ({
        ...{ partitionIndex: partition, errorCode, abortedTransactions: aborted ?? [] },
        ...{ bytes: bytes ?? Buffer.alloc(0), diverging: undefined },
      })),
    )
    expect(reader.remaining).toBe(0)
  })

  it('agrees with the other client on everything but the batches', () => {
    const healthy = draws.filter(({ errorCode = 0 }) => errorCode === 0)
    const bytes = answer(version, 0, healthy)
    const ours = request.read(new WireReader(bytes, isFlexible))
    expect(library.parseResponse(1, 1, version, Reader.from(bytes))).toMatchObject({
      responses: [{ partitions: ours.map(({ partitionIndex, errorCode }) => ({ partitionIndex, errorCode })) }],
    })
  })

  it('fails as a whole where the request did, or the answer ends early', () => {
    expect(() => request.read(new WireReader(answer(version, 70, []), isFlexible))).toThrow(KafkaRefusal)
    const whole = answer(version, 0, draws)
    for (let length = 0; length < whole.length; length += 7)
      expect(() => request.read(new WireReader(whole.subarray(0, length), isFlexible))).toThrow(RangeError)
  })
})

it.each([...versions.keys()].filter((version) => version >= flexibleFetch))(
  'an answer of version %i tells where the log was cut, and what later versions add is passed over',
  (version) => {
    const diverging = { epoch: 4, endOffset: 77n }
    const reader = new WireReader(answer(version, 0, [{ partition: 1, bytes: null, diverging }]), true)
    expect(requestOf(version).read(reader)).toMatchObject([{ diverging }])
    expect(reader.remaining).toBe(0)
  },
)
