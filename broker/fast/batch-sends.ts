import type { TopicRecords } from '../../ports/broker.ts'
import type { Clock } from '../../ports/clock.ts'
import { FatalError, TransientError } from '../../schemas/errors.ts'
import { brokerClosed, producerFenced, unknownPartition } from '../broker-errors.ts'
import { BatchWriter } from '../wire/batch-writer.ts'
import { fencedCodes, kafkaCode, lostByLog, passingOfProduce } from '../wire/error-codes.ts'
import { byTopic, type OutgoingBatch } from '../wire/produce.ts'
import type { ProducerIdentity, TopicPartitions } from '../wire/requests.ts'
import { again } from './again.ts'
import type { ProducePort } from './produce-port.ts'

/** Of one batch, before it is packed: well below what a broker takes by default (1 MiB). */
const batchBytesMax = 512 * 1024
/** Of one request. */
const requestBatchesMax = 16

type Records = TopicRecords['records']

/** What goes to one partition: its records in order, and the batch that is on its way. */
interface Lane {
  readonly topic: string
  readonly partition: number
  readonly records: Records[number][]
  next: number
  baseOffset: number
  batch: { readonly bytes: Buffer; readonly count: number } | undefined
}

export interface BatchSendsOptions {
  readonly port: ProducePort
  readonly clock: Clock
  readonly transactionalId: string | null
  isClosed(): boolean
}

export interface BatchSends {
  /** Finds where records go. @throws {FatalError} A topic or a partition is not there. */
  lanesOf(groups: readonly TopicRecords[]): Promise<readonly Lane[]>
  /**
   * Sends all, each partition in order, one batch of it at a time: a batch whose answer was lost is sent again, byte for
   * byte, and the broker tells it by its number.
   *
   * @throws {TransientError} What was on its way may be in the log, or not: the identity is of no more use.
   */
  send(producer: ProducerIdentity, lanes: readonly Lane[]): Promise<void>
}

/** Sequence numbers are those of one identity: another one needs another of these. */
export function createBatchSends({ port, clock, transactionalId, isClosed }: BatchSendsOptions): BatchSends {
  const writer = new BatchWriter()
  const sequences = new Map<string, number>()

  async function lanesOf(groups: readonly TopicRecords[]): Promise<readonly Lane[]> {
    const lanes: Lane[] = []
    for (const { topic, records } of groups) {
      if (records.length === 0) continue
      let leaders = await again(clock, isClosed, () => port.leaders(topic, false))
      const isThere = ({ partition }: Records[number]): boolean => leaders.has(partition)
      if (!records.every(isThere)) leaders = await again(clock, isClosed, () => port.leaders(topic, true))
      const wrong = records.find((record) => !isThere(record))
      if (wrong !== undefined) throw unknownPartition(topic, wrong.partition, leaders.size)
      const ofTopic = new Map<number, Lane>()
      for (const record of records) {
        const lane = ofTopic.get(record.partition)
        if (lane !== undefined) lane.records.push(record)
        else {
          const { partition } = record
          ofTopic.set(partition, { topic, partition, records: [record], next: 0, baseOffset: -1, batch: undefined })
        }
      }
      lanes.push(...ofTopic.values())
    }
    return lanes
  }

  function fill(lane: Lane, { producerId, epoch }: ProducerIdentity): void {
    const from = lane.next
    do {
      const record = lane.records[lane.next]
      if (record === undefined) break
      writer.add(record)
      lane.next += 1
    } while (writer.size < batchBytesMax)
    const key = `${lane.topic}/${lane.partition}`
    const sequence = sequences.get(key) ?? 0
    const count = lane.next - from
    // The broker's numbers go round at 2^31.
    sequences.set(key, (sequence + count) % 2 ** 31)
    const isTransactional = transactionalId !== null
    lane.batch = { bytes: writer.take(clock.now(), { producerId, epoch, sequence, isTransactional }), count }
  }

  const isDone = ({ batch, next, records }: Lane): boolean => batch === undefined && next === records.length

  /** One request to each leader. */
  async function round(producer: ProducerIdentity, lanes: readonly Lane[], isAnew: boolean): Promise<void> {
    const requests = new Map<number, Lane[]>()
    for (const [topic, ofTopic] of byTopic(lanes.filter((lane) => !isDone(lane)))) {
      const leaders = await port.leaders(topic, isAnew)
      for (const lane of ofTopic) {
        const leader = leaders.get(lane.partition) ?? -1
        if (leader < 0) throw refused(lane, kafkaCode.leaderNotAvailable)
        const request = requests.get(leader) ?? []
        if (request.length === requestBatchesMax) continue
        if (lane.batch === undefined) fill(lane, producer)
        request.push(lane)
        requests.set(leader, request)
      }
    }
    // Each has its answer before anything is sent again: an answer that is late would be taken for another batch's.
    const answers = await Promise.allSettled([...requests].map(([leader, request]) => exchange(leader, request)))
    for (const answer of answers) if (answer.status === 'rejected') throw answer.reason
  }

  async function exchange(leader: number, request: readonly Lane[]): Promise<void> {
    const batches: OutgoingBatch[] = request.map(({ topic, partition, batch }) => ({
      ...{ topic, partition, bytes: batch?.bytes ?? Buffer.alloc(0) },
    }))
    const answers = await port.produce(leader, transactionalId, batches)
    let trouble: Error | undefined
    for (const lane of request) {
      const answer = answers.find(({ topic, partition }) => topic === lane.topic && partition === lane.partition)
      const errorCode = answer?.errorCode ?? kafkaCode.networkException
      if (errorCode === 0) {
        if (lane.baseOffset < 0) lane.baseOffset = answer?.baseOffset ?? -1
        lane.batch = undefined
      } else if (fencedCodes.has(errorCode) && transactionalId !== null) throw producerFenced(transactionalId)
      else trouble ??= refused(lane, errorCode)
    }
    if (trouble !== undefined) throw trouble
  }

  return {
    lanesOf,
    async send(producer, lanes) {
      while (!lanes.every(isDone))
        await again(clock, isClosed, async (tries) => {
          if (isClosed()) throw brokerClosed()
          await round(producer, lanes, tries > 0)
        })
    },
  }
}

/** Partitions of a transaction. */
export function partitionsOf(lanes: readonly Lane[]): TopicPartitions[] {
  return byTopic(lanes).map(([topic, ofTopic]) => ({ topic, partitions: ofTopic.map(({ partition }) => partition) }))
}

function refused({ topic, partition }: Lane, errorCode: number): TransientError | FatalError {
  const message = `${topic}/${partition} takes no records: error ${errorCode} of Kafka's protocol`
  if (passingOfProduce.has(errorCode)) return new TransientError({ code: 'BROKER_TROUBLE', message })
  return lostByLog.has(errorCode)
    ? new TransientError({ code: 'PRODUCER_LOST', message })
    : new FatalError({ code: 'BROKER_REFUSED', message })
}
