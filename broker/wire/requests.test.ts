import {
  addPartitionsToTxnV2,
  apiVersionsV1,
  endTxnV2,
  findCoordinatorV2,
  heartbeatV3,
  initProducerIdV3,
  metadataV8,
  metadataV12,
  Reader,
  Writer,
} from '@platformatic/kafka'
import { expect, it } from 'vitest'
import { produce } from './produce.ts'
import {
  addPartitions,
  apiVersions,
  endTransaction,
  findCoordinator,
  heartbeat,
  initProducerId,
  KafkaRefusal,
  metadata,
  type Request,
} from './requests.ts'
import { WireReader } from './wire-reader.ts'
import { WireWriter } from './wire-writer.ts'

const producer = { producerId: 2n ** 40n, epoch: 12 }
const ids = ['tx-1', producer.producerId, producer.epoch] as const
const topicId = '12345678-1234-1234-1234-123456789abc'

function written<Arguments extends readonly unknown[]>(
  request: Pick<Request<Arguments, unknown>, 'isFlexible' | 'write'>,
  ...args: Arguments
): string {
  const writer = new WireWriter(request.isFlexible)
  request.write(writer, ...args)
  const whole = writer.finish()
  expect(whole.readInt32BE(0)).toBe(whole.length - 4)
  return whole.subarray(4).toString('hex')
}

const readBy = <Answer>(request: Request<never, Answer>, writer: Writer): Answer => {
  const reader = new WireReader(writer.buffer, request.isFlexible)
  const answer = request.read(reader)
  expect(reader.remaining).toBe(0)
  return answer
}

// Goal: the bytes are those of Kafka's protocol. Oracle: another client, which writes the same requests.
it.each([
  {
    name: 'FindCoordinator',
    ours: written(findCoordinator, 'group-1', 0),
    theirs: findCoordinatorV2.createRequest(0, ['group-1']),
  },
  {
    name: 'Heartbeat',
    ours: written(heartbeat, { groupId: 'g', groupGenerationId: 7, memberId: 'm-1' }),
    theirs: heartbeatV3.createRequest('g', 7, 'm-1', null),
  },
  {
    name: 'InitProducerId',
    ours: written(initProducerId, 'tx-1', 30_000, producer),
    theirs: initProducerIdV3.createRequest('tx-1', 30_000, producer.producerId, producer.epoch),
  },
  {
    name: 'InitProducerId without transactions',
    ours: written(initProducerId, null, 30_000, { producerId: -1n, epoch: -1 }),
    theirs: initProducerIdV3.createRequest(null, 30_000, -1n, -1),
  },
  {
    name: 'AddPartitionsToTxn',
    ours: written(addPartitions, 'tx-1', producer, [
      { topic: 'a', partitions: [0, 3] },
      { topic: 'b', partitions: [1] },
    ]),
    theirs: addPartitionsToTxnV2.createRequest([
      {
        ...{
          transactionalId: 'tx-1',
          producerId: producer.producerId,
          producerEpoch: producer.epoch,
          verifyOnly: false,
        },
        topics: [
          { name: 'a', partitions: [0, 3] },
          { name: 'b', partitions: [1] },
        ],
      },
    ]),
  },
  {
    name: 'EndTxn',
    ours: written(endTransaction, 'tx-1', producer, true),
    theirs: endTxnV2.createRequest(...ids, true),
  },
  {
    name: 'Metadata 12',
    ours: written(metadata[0], ['a', 'b']),
    theirs: metadataV12.createRequest(['a', 'b'], false, false),
  },
  { name: 'Metadata 8', ours: written(metadata[1], ['a']), theirs: metadataV8.createRequest(['a'], false, false) },
])('$name is asked as another client asks', ({ ours, theirs }) => {
  expect(ours).toBe(theirs.buffer.toString('hex'))
})

it('Produce holds its batches as they are', () => {
  const bytes = Buffer.from([1, 2, 3])
  const hex = written(produce, 'tx-1', 5_000, [
    { topic: 'a', partition: 1, bytes },
    { topic: 'b', partition: 0, bytes },
    { topic: 'a', partition: 2, bytes },
  ])
  const theirs = Writer.create().appendString('tx-1', false).appendInt16(-1).appendInt32(5_000)
  const topics = [
    ['a', [1, 2]],
    ['b', [0]],
  ] as [string, number[]][]
  theirs.appendArray(
    topics,
    (w, [topic, partitions]) => {
      w.appendString(topic, false).appendArray(
        partitions,
        (p, partition) => p.appendInt32(partition).appendBytes(bytes, false),
        false,
        false,
      )
    },
    false,
    false,
  )
  expect(hex).toBe(theirs.buffer.toString('hex'))
})

it.each([
  { version: 12, isFlexible: true, request: metadata[0], parse: metadataV12.parseResponse },
  { version: 8, isFlexible: false, request: metadata[1], parse: metadataV8.parseResponse },
])('Metadata $version is read as another client reads it', ({ version, isFlexible, request, parse }) => {
  const writer = Writer.create().appendInt32(0)
  writer.appendArray(
    [1, 2],
    (w, id) =>
      w
        .appendInt32(id)
        .appendString('127.0.0.1', isFlexible)
        .appendInt32(9000 + id)
        .appendString(null, isFlexible),
    isFlexible,
    isFlexible,
  )
  writer.appendString('cluster', isFlexible).appendInt32(1)
  writer.appendArray(
    ['ticks'],
    (w, name) => {
      w.appendInt16(0).appendString(name, isFlexible)
      if (version >= 10) w.appendUUID(topicId)
      w.appendBoolean(false).appendArray(
        [0, 1],
        (p, partition) => {
          p.appendInt16(0)
            .appendInt32(partition)
            .appendInt32(partition === 0 ? 2 : -1)
            .appendInt32(5)
          for (const list of [[1, 2], [2], []])
            p.appendArray(list, (r, replica) => r.appendInt32(replica), isFlexible, false)
        },
        isFlexible,
        isFlexible,
      )
      w.appendInt32(0)
    },
    isFlexible,
    isFlexible,
  )
  if (version < 11) writer.appendInt32(0)
  if (isFlexible) writer.appendTaggedFields()
  const { buffer } = writer
  const theirs = parse(1, 3, version, Reader.from(buffer))
  const ours = request.read(new WireReader(buffer, isFlexible))
  expect(ours.nodes).toEqual(theirs.brokers.map(({ nodeId, host, port }) => ({ id: nodeId, host, port })))
  expect(ours.topics).toEqual([
    {
      ...{ errorCode: 0, topic: 'ticks', topicId: version >= 10 ? topicId : null },
      leaders: new Map([
        [0, 2],
        [1, -1],
      ]),
    },
  ])
})

it('answers are read, and what they refuse is told', () => {
  const refusal = (code: number) => Writer.create().appendInt32(0).appendInt16(code)
  expect(() => readBy(heartbeat, refusal(27))).toThrow(KafkaRefusal)
  expect(readBy(heartbeat, refusal(0))).toBeUndefined()
  expect(() => readBy(endTransaction, refusal(90))).toThrow(expect.objectContaining({ kafkaCode: 90 }))
  const identity = refusal(0).appendInt64(77n).appendInt16(3).appendTaggedFields()
  const { buffer } = identity
  expect(initProducerIdV3.parseResponse(1, 22, 3, Reader.from(buffer))).toMatchObject({
    producerId: 77n,
    producerEpoch: 3,
  })
  expect(initProducerId.read(new WireReader(buffer, true))).toEqual({ producerId: 77n, epoch: 3 })
  const versions = Writer.create().appendInt16(0)
  versions.appendArray(
    [[1, 4, 17] as const],
    (w, [key, min, max]) => w.appendInt16(key).appendInt16(min).appendInt16(max),
    false,
    false,
  )
  versions.appendInt32(0)
  expect(apiVersions.read(new WireReader(versions.buffer, false))).toEqual([{ key: 1, min: 4, max: 17 }])
  expect(apiVersionsV1.parseResponse(1, 18, 1, Reader.from(versions.buffer)).apiKeys).toMatchObject([
    { apiKey: 1, minVersion: 4, maxVersion: 17 },
  ])
})
