import type { Consumer, EachBatchPayload, KafkaMessage } from 'kafkajs'
import type { Clock } from '../../ports/clock.ts'
import { inTime } from '../../ports/in-time.ts'
import { FencedError, messageOf, TransientError } from '../../schemas/errors.ts'
import { offsetOutOfRange } from '../broker-errors.ts'
import { gatedRoundRobin } from './gated-assigner.ts'
import type { KafkaAdminPort } from './kafka-admin.ts'
import type { KafkaClient } from './kafka-client.ts'
import { brokerError } from './kafka-errors.ts'
import { createPosition, fitOf, type Position, skipMarkers } from './partition-positions.ts'

/** A pause, a seek and a close wait for the long poll; an idle consumer asks this often. */
const pollMsMax = 100
const bytesPerPartition = 1_048_576
const sessionMsDefault = 6_000
const rebalanceMsDefault = 60_000
const heartbeatsPerSession = 6
/** The group is left within this time, or without a word: a rebalance that is under way waits for others. */
const leaveMsMax = 3_000

/** Pauses before a client that gave up starts anew. */
const againMsMin = 200
const againMsMax = 5_000

/** Joining is tried again while partitions are being given up: together just short of `rebalanceMsDefault`. */
const retry = { retries: 60, initialRetryTime: 50, maxRetryTime: 1_000, factor: 0.2, multiplier: 2 }

/** One fetch of one partition that continues exactly where the last one ended. */
export interface FetchedBatch {
  readonly partition: number
  readonly baseOffset: number
  readonly messages: readonly KafkaMessage[]
  /** Offset after the whole batch; may lie beyond the last message. */
  readonly endOffset: number
  /** Aborts when the batch must not be gone on with: a rebalance, or the end. */
  readonly signal: AbortSignal
  /** No pause, seek, rebalance or end has come between. */
  live(): boolean
  /** Everything before `nextOffset` was taken over; call it before handing it on. */
  advance(nextOffset: number): void
}

interface PositionedConsumerOptions {
  readonly kafka: KafkaClient
  readonly brokers: readonly string[]
  readonly admin: KafkaAdminPort
  readonly clock: Clock
  readonly topic: string
  readonly groupId: string
  readonly sessionTimeoutMs?: number | undefined
  /** Members have so long to give their partitions up. The client waits 5 s more for the answer to a join, however dead its connection. */
  readonly rebalanceTimeoutMs?: number
  /** Says where to start each; a partition left out is not read. */
  assigned(partitions: readonly number[], signal: AbortSignal): Promise<ReadonlyMap<number, number>>
  revoked(partitions: readonly number[]): Promise<void>
  batch(batch: FetchedBatch): Promise<void>
  /** Reads the partitions in the client's place, which is then in the group only. */
  readonly elsewhere?: PartitionReader | undefined
  failed(error: Error): void
}

/** A member of the group in one generation of it. */
export interface Membership {
  readonly groupId: string
  readonly memberId: string
  readonly groupGenerationId: number
}

export interface PartitionReader {
  start(starts: ReadonlyMap<number, number>, failed: (error: Error) => void): PartitionReads
  /** Tells the group that the member is alive, once: the client does it only from batch to batch, and while nothing is given up. */
  heartbeat(member: Membership): Promise<void>
  close(): Promise<void>
}

/** Partitions that are being read, each from where its reader says. */
export interface PartitionReads {
  pause(partitions: readonly number[]): void
  resume(partitions: readonly number[]): void
  seek(partition: number, offset: number): void
  /** Resolves when nothing is in hand. */
  stop(): Promise<void>
}

/** A group's consumer that reads from our offsets only, and gives partitions up before it joins again. */
interface PositionedConsumer {
  pause(partitions: readonly number[]): void
  resume(partitions: readonly number[]): void
  seek(partition: number, offset: number): void
  commitOffsets(offsets: ReadonlyMap<number, number>): Promise<void>
  close(): Promise<void>
}

/** @throws {TransientError} `BROKER_UNREACHABLE`. */
export async function startPositionedConsumer(options: PositionedConsumerOptions): Promise<PositionedConsumer> {
  const { kafka, brokers, admin, clock, topic, groupId, elsewhere } = options
  const sessionTimeout = options.sessionTimeoutMs ?? sessionMsDefault
  const rebalanceTimeout = options.rebalanceTimeoutMs ?? rebalanceMsDefault
  const heartbeatInterval = Math.ceil(sessionTimeout / heartbeatsPerSession)
  const positions = new Map<number, Position>()
  let owned: readonly number[] = []
  let assignment = new AbortController()
  let starting: Promise<void> = Promise.resolve()
  let inHand: Promise<void> = Promise.resolve()
  let giving: Promise<void> | undefined
  let beat: (() => Promise<void>) | undefined
  let reads: PartitionReads | undefined
  let ended = false
  let isStartingAnew = false
  let pauseMs = againMsMin
  const over = new AbortController()

  const consumer: Consumer = kafka.consumer({
    ...{ groupId, sessionTimeout, heartbeatInterval, rebalanceTimeout, retry },
    ...{ maxBytesPerPartition: bytesPerPartition, maxWaitTimeInMs: pollMsMax, allowAutoTopicCreation: false },
    partitionAssigners: [gatedRoundRobin(mayJoin)],
  })

  const parts = (partitions: readonly number[]) => [{ topic, partitions: [...partitions] }]

  /** Asked right before each join: false starts giving up what is owned, and the client asks again. */
  function mayJoin(): boolean {
    if (owned.length > 0)
      giving ??= giveUp().finally(() => {
        giving = undefined
      })
    return giving === undefined
  }

  async function giveUp(): Promise<void> {
    assignment.abort()
    const stopBeating = clock.every(heartbeatInterval, () => void beat?.().catch(() => undefined))
    try {
      await starting
      await inHand
      await reads?.stop()
      reads = undefined
      const given = owned
      positions.clear()
      if (given.length > 0 && !ended) await options.revoked(given)
    } catch (error) {
      fail(error)
    } finally {
      owned = []
      stopBeating()
    }
  }

  async function begin(partitions: readonly number[], signal: AbortSignal): Promise<void> {
    const starts = await options.assigned(partitions, signal)
    const ranges = await admin.offsets(topic)
    if (signal.aborted) return
    for (const [partition, offset] of starts) {
      const range = ranges.get(partition) ?? { earliest: 0, latest: 0 }
      if (offset < range.earliest || offset > range.latest) throw offsetOutOfRange(topic, partition, offset, range)
    }
    if (elsewhere !== undefined) {
      const ours = new Map([...starts].filter(([partition]) => partitions.includes(partition)))
      reads = elsewhere.start(ours, fail)
      return
    }
    for (const [partition, offset] of starts) {
      if (!partitions.includes(partition)) continue
      positions.set(partition, createPosition(offset))
      whileJoined(() => consumer.seek({ topic, partition, offset: String(offset) }))
    }
    whileJoined(() => consumer.resume(parts([...positions.keys()])))
  }

  /** Trouble that may pass: the client starts anew for as long as it takes. Any other ends the subscription. */
  async function startAnew(error: unknown): Promise<void> {
    if (ended || isStartingAnew) return
    if (!(error instanceof TransientError)) return fail(error)
    isStartingAnew = true
    mayJoin() // others may get the partitions now
    await giving
    await consumer.disconnect().catch(() => undefined)
    await clock.sleep(pauseMs, over.signal)
    pauseMs = Math.min(2 * pauseMs, againMsMax)
    isStartingAnew = false
    if (ended) return
    try {
      await consumer.connect()
      await run()
    } catch (again) {
      void startAnew(brokerError(again, brokers))
    }
  }

  function fail(error: unknown): void {
    if (ended) return
    ended = true
    over.abort()
    assignment.abort()
    options.failed(error instanceof Error ? error : new Error(String(error)))
    void reads?.stop()
    void consumer.disconnect().catch(() => undefined) // it waits for the batch in hand, so it is not waited for
  }

  async function eachBatch(payload: EachBatchPayload): Promise<void> {
    beat = payload.heartbeat
    const { batch } = payload
    const position = positions.get(batch.partition)
    if (ended || position === undefined || position.paused || payload.isStale()) return
    const { signal } = assignment
    const fetchedOffset = Number(Reflect.get(batch, 'fetchedOffset'))
    const fit = fitOf(position, fetchedOffset)
    if (fit === 'misfit') return refetch(batch.partition, position)
    // What the client moved over is part of the batch: each goes on where the last one ended.
    const baseOffset = position.expected
    position.expected = fetchedOffset
    position.sought = false
    await handOut(payload, position, baseOffset, signal)
  }

  async function refetch(partition: number, position: Position): Promise<void> {
    const range = (await admin.offsets(topic)).get(partition)
    if (range !== undefined && (position.expected < range.earliest || position.expected > range.latest))
      return fail(offsetOutOfRange(topic, partition, position.expected, range))
    seek(partition, position.expected)
  }

  async function handOut(
    payload: EachBatchPayload,
    position: Position,
    baseOffset: number,
    signal: AbortSignal,
  ): Promise<void> {
    const { batch } = payload
    const last = batch.messages.at(-1)?.offset ?? ''
    const endOffset = Number(batch.lastOffset()) + 1
    let rebalancing: Error | undefined
    const stopBeating = clock.every(heartbeatInterval, () => {
      payload.heartbeat().catch((error: unknown) => {
        rebalancing ??= error instanceof Error ? error : new Error(String(error))
      })
    })
    const live = () => !ended && !signal.aborted && rebalancing === undefined && !position.paused && !payload.isStale()
    try {
      inHand = options
        .batch({
          ...{ partition: batch.partition, baseOffset, messages: batch.messages, endOffset },
          ...{ signal, live },
          advance(nextOffset) {
            position.expected = nextOffset
            // The client moves over what follows its last message by itself.
            payload.resolveOffset(nextOffset === endOffset ? last : String(nextOffset - 1))
          },
        })
        .catch(fail)
      await inHand
    } finally {
      stopBeating()
    }
    if (rebalancing !== undefined) throw rebalancing
  }

  /** A batch of nothing: whoever waits for the end of the log learns that it is reached. */
  function tellSkipped(partition: number, position: Position, baseOffset: number): void {
    if (ended || position.paused) return
    const { signal } = assignment
    const endOffset = position.expected
    const live = () => !ended && !signal.aborted && !position.paused && position.expected === endOffset
    options
      .batch({ partition, baseOffset, messages: [], endOffset, signal, live, advance: () => undefined })
      .catch(fail)
  }

  function seek(partition: number, offset: number): void {
    reads?.seek(partition, offset)
    const position = positions.get(partition)
    if (position === undefined) return
    position.expected = offset
    position.sought = true
    whileJoined(() => consumer.seek({ topic, partition, offset: String(offset) }))
  }

  const run = (): Promise<void> => consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch })

  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    pauseMs = againMsMin
    owned = (payload.memberAssignment[topic] ?? []).map(Number).sort((a, b) => a - b)
    whileJoined(() => consumer.pause(parts(owned))) // nothing is fetched from offsets that are not ours
    assignment = new AbortController()
    if (owned.length > 0 && !ended)
      starting = begin(owned, assignment.signal).catch((error: unknown) => void startAnew(error))
  })
  if (elsewhere !== undefined)
    consumer.on(consumer.events.HEARTBEAT, ({ payload }) => {
      beat = () => elsewhere.heartbeat(payload)
    })
  consumer.on(consumer.events.START_BATCH_PROCESS, ({ payload }) => {
    const position = positions.get(payload.partition)
    if (position === undefined || payload.batchSize > 0) return
    const first: unknown = payload.firstOffset
    const before = position.expected
    skipMarkers(position, first === null ? undefined : Number(first), Number(payload.lastOffset))
    if (position.expected > before) tellSkipped(payload.partition, position, before)
  })
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    mayJoin() // others may get the partitions now
    if (!payload.restart) void startAnew(brokerError(payload.error, brokers))
  })

  try {
    await consumer.connect()
    // Where the client resets an offset by itself, it goes to the first one, and the misfit is seen at once.
    await consumer.subscribe({ topic, fromBeginning: true })
    await run()
  } catch (error) {
    ended = true
    over.abort()
    void consumer.disconnect().catch(() => undefined)
    throw brokerError(error, brokers)
  }

  return {
    pause(partitions) {
      reads?.pause(partitions)
      for (const partition of partitions) {
        const position = positions.get(partition)
        if (position !== undefined) position.paused = true
      }
      whileJoined(() => consumer.pause(parts(partitions)))
    },
    resume(partitions) {
      reads?.resume(partitions)
      const resumed = partitions.filter((partition) => positions.has(partition))
      for (const partition of resumed) {
        const position = positions.get(partition)
        if (position !== undefined) position.paused = false
      }
      if (resumed.length > 0 && !ended) whileJoined(() => consumer.resume(parts(resumed)))
    },
    seek,
    async commitOffsets(offsets) {
      const foreign = [...offsets.keys()].filter((partition) => !owned.includes(partition))
      if (ended || foreign.length > 0) throw notOwner(groupId, topic, foreign)
      try {
        await consumer.commitOffsets(
          [...offsets].map(([partition, offset]) => ({ topic, partition, offset: String(offset) })),
        )
      } catch (error) {
        throw brokerError(error, brokers)
      }
    },
    async close() {
      ended = true
      over.abort()
      assignment.abort()
      await starting
      const left = consumer.disconnect().catch((error: unknown) => {
        const trouble = brokerError(error, brokers)
        if (!(trouble instanceof TransientError)) throw trouble
      })
      await inTime(clock, leaveMsMax, left)
      await inHand
      await reads?.stop()
    },
  }
}

/** A client that has crashed has no group until it joins again: then nothing is to be paused, sought or resumed. */
function whileJoined(act: () => void): void {
  try {
    act()
  } catch (error) {
    if (!messageOf(error).startsWith('Consumer group was not initialized')) throw error
  }
}

function notOwner(groupId: string, topic: string, partitions: readonly number[]): FencedError {
  return new FencedError({
    code: 'GROUP_FENCED',
    message: `group '${groupId}': ${topic}/${partitions.join(',')} belongs to another member now`,
  })
}
