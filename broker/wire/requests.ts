import type { WireReader } from './wire-reader.ts'
import type { WireWriter } from './wire-writer.ts'

// What is asked of a broker beside fetching and producing: https://kafka.apache.org/protocol.html

/** One version of one request. */
export interface Request<Arguments extends readonly unknown[], Answer> {
  readonly key: number
  readonly version: number
  readonly isFlexible: boolean
  write(writer: WireWriter, ...args: Arguments): void
  /** @throws {KafkaRefusal} The broker refuses the whole of it. @throws {RangeError} It is no such answer. */
  read(reader: WireReader): Answer
}

/** The broker answered with one of the error codes of its protocol. */
export class KafkaRefusal extends Error {
  readonly kafkaCode: number

  constructor(request: string, kafkaCode: number) {
    super(`${request}: error ${kafkaCode} of Kafka's protocol`)
    this.kafkaCode = kafkaCode
  }
}

function refused(request: string, kafkaCode: number): void {
  if (kafkaCode !== 0) throw new KafkaRefusal(request, kafkaCode)
}

export interface VersionRange {
  readonly key: number
  readonly min: number
  readonly max: number
}

export const apiVersions: Request<[], readonly VersionRange[]> = {
  ...{ key: 18, version: 1, isFlexible: false },
  write: () => undefined,
  read(reader) {
    refused('ApiVersions', reader.int16())
    return reader.array(() => ({ key: reader.int16(), min: reader.int16(), max: reader.int16() }))
  },
}

export interface BrokerNode {
  readonly id: number
  readonly host: string
  readonly port: number
}

export interface TopicLeaders {
  readonly errorCode: number
  readonly topic: string
  /** Null where the version has none. */
  readonly topicId: string | null
  /** By partition; -1 for none. */
  readonly leaders: ReadonlyMap<number, number>
}

export interface ClusterMetadata {
  readonly nodes: readonly BrokerNode[]
  readonly topics: readonly TopicLeaders[]
}

const topicIdsMetadata = 10
const noTopicId = '00000000-0000-0000-0000-000000000000'

const metadataVersion = (
  version: number,
  isFlexible: boolean,
): Request<[topics: readonly string[]], ClusterMetadata> => ({
  ...{ key: 3, version, isFlexible },
  write(writer, topics) {
    writer
      .array(topics, (topic) => {
        if (version >= topicIdsMetadata) writer.uuid(noTopicId)
        writer.string(topic).end()
      })
      .boolean(false) // no topic is made by asking for it
    if (version < 11) writer.boolean(false)
    writer.boolean(false).end()
  },
  read(reader) {
    reader.int32() // throttling
    const nodes = reader.array(() => {
      const node = { id: reader.int32(), host: reader.string() ?? '', port: reader.int32() }
      reader.string() // rack
      reader.end()
      return node
    })
    reader.string() // the cluster's id
    reader.int32() // controller
    const topics = reader.array(() => {
      const errorCode = reader.int16()
      const topic = reader.string() ?? ''
      const topicId = version >= topicIdsMetadata ? reader.uuid() : null
      reader.boolean() // internal
      const leaders = reader.array((): [number, number] => {
        reader.int16() // that it has no leader is told by the leader
        const partition = reader.int32()
        const leader = reader.int32()
        reader.int32() // its epoch
        for (let list = 0; list < 3; list++) reader.array(() => reader.int32()) // replicas
        reader.end()
        return [partition, leader]
      })
      reader.int32() // what may be done
      reader.end()
      return { errorCode, topic, topicId: topicId === noTopicId ? null : topicId, leaders: new Map(leaders) }
    })
    return { nodes, topics }
  },
})

/** The newest first. */
export const metadata = [metadataVersion(12, true), metadataVersion(8, false)] as const

export const coordinatorOf = { group: 0, transaction: 1 } as const

export const findCoordinator: Request<[name: string, kind: 0 | 1], BrokerNode> = {
  ...{ key: 10, version: 2, isFlexible: false },
  write: (writer, name, kind) => void writer.string(name).int8(kind),
  read(reader) {
    reader.int32() // throttling
    refused('FindCoordinator', reader.int16())
    reader.string() // the error in words
    return { id: reader.int32(), host: reader.string() ?? '', port: reader.int32() }
  },
}

export interface HeartbeatMember {
  readonly groupId: string
  readonly groupGenerationId: number
  readonly memberId: string
}

export const heartbeat: Request<[HeartbeatMember], void> = {
  ...{ key: 12, version: 3, isFlexible: false },
  write: (writer, { groupId, groupGenerationId, memberId }) =>
    void writer.string(groupId).int32(groupGenerationId).string(memberId).string(null),
  read(reader) {
    reader.int32() // throttling
    refused('Heartbeat', reader.int16())
  },
}

/** What the broker knows a producer by; a later one with its transactional id has a higher epoch. */
export interface ProducerIdentity {
  readonly producerId: bigint
  readonly epoch: number
}

export const nobody: ProducerIdentity = { producerId: -1n, epoch: -1 }

export const initProducerId: Request<
  [transactionalId: string | null, transactionMsMax: number, current: ProducerIdentity],
  ProducerIdentity
> = {
  ...{ key: 22, version: 3, isFlexible: true },
  write: (writer, transactionalId, transactionMsMax, { producerId, epoch }) =>
    void writer.string(transactionalId).int32(transactionMsMax).int64(producerId).int16(epoch).end(),
  read(reader) {
    reader.int32() // throttling
    refused('InitProducerId', reader.int16())
    return { producerId: reader.int64(), epoch: reader.int16() }
  },
}

export interface TopicPartitions {
  readonly topic: string
  readonly partitions: readonly number[]
}

export const addPartitions: Request<
  [transactionalId: string, producer: ProducerIdentity, topics: readonly TopicPartitions[]],
  void
> = {
  ...{ key: 24, version: 2, isFlexible: false },
  write: (writer, transactionalId, { producerId, epoch }, topics) =>
    void writer
      .string(transactionalId)
      .int64(producerId)
      .int16(epoch)
      .array(topics, ({ topic, partitions }) =>
        writer.string(topic).array(partitions, (partition) => writer.int32(partition)),
      ),
  read(reader) {
    reader.int32() // throttling
    reader.array(() => {
      reader.string()
      reader.array(() => {
        reader.int32()
        refused('AddPartitionsToTxn', reader.int16())
      })
    })
  },
}

export const endTransaction: Request<
  [transactionalId: string, producer: ProducerIdentity, isCommitted: boolean],
  void
> = {
  ...{ key: 26, version: 2, isFlexible: false },
  write: (writer, transactionalId, { producerId, epoch }, isCommitted) =>
    void writer.string(transactionalId).int64(producerId).int16(epoch).boolean(isCommitted),
  read(reader) {
    reader.int32() // throttling
    refused('EndTxn', reader.int16())
  },
}
