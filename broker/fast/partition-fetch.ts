import type { OffsetRange } from '../../ports/broker.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Log } from '../../ports/logger.ts'
import { FatalError, TransientError } from '../../schemas/errors.ts'
import { logTruncated, offsetOutOfRange, partitionRefused } from '../broker-errors.ts'
import type { PartitionReads } from '../kafkajs/positioned-consumer.ts'
import { createSignal, type Signal } from '../signal.ts'
import { kafkaCode, passingOfFetch } from '../wire/error-codes.ts'
import type { FetchedPartition, PartitionToFetch } from '../wire/fetch.ts'
import type { AbortedTransaction } from '../wire/fetched-cursor.ts'
import { endOfBatches } from '../wire/record-batch.ts'

/** Of an answer, for each partition; doubled where a batch is larger than the broker says it may be. */
const partitionBytesMin = 1_048_576
const partitionBytesMax = 128 * 1_048_576
const againMsMin = 50
const againMsMax = 2_000
/** Between looks whether a partition that nobody leads has a leader. */
const leaderlessMs = 500

/** What fetches. Every call may be made again after it failed. */
export interface FetchPort {
  /**
   * The leader of each partition, as the cluster says now.
   *
   * @throws {TransientError} No broker says it.
   * @throws {FatalError} The topic is gone, or was made anew.
   */
  leaders(): Promise<ReadonlyMap<number, number>>
  /** One long poll. @throws {TransientError} */
  fetch(leader: number, wanted: readonly PartitionToFetch[]): Promise<readonly FetchedPartition[]>
  ranges(): Promise<ReadonlyMap<number, OffsetRange>>
}

/** Batches of one partition that go on where it was. */
export interface FetchedStretch {
  readonly partition: number
  readonly offset: number
  readonly bytes: Buffer
  readonly aborted: readonly AbortedTransaction[]
  /** Aborts at the end. */
  readonly signal: AbortSignal
  /** No pause, seek or end has come between. */
  live(): boolean
  /** Everything before `nextOffset` was taken over; call it before handing it on. */
  advance(nextOffset: number): void
  /** What was not taken over is fetched again. */
  refetch(): void
}

interface PartitionFetchOptions {
  readonly port: FetchPort
  readonly topic: string
  readonly starts: ReadonlyMap<number, number>
  readonly clock: Clock
  readonly log: Log
  /** One call at a time, whatever the partition. Rejecting ends the fetching. */
  fetched(stretch: FetchedStretch): Promise<void>
  failed(error: Error): void
}

interface Position {
  /** Offset of the next record to be handed out. */
  expected: number
  /** Offset to be asked for: what is before it has been fetched. */
  ahead: number
  paused: boolean
  /** Moves with each pause and seek: what was asked for before is dropped. */
  turn: number
  bytesMax: number
  lastEpoch: number
}

/** Asked for, with the turn of its position then. */
interface Asked {
  readonly turns: ReadonlyMap<number, { readonly turn: number; readonly offset: number }>
  readonly answer: Promise<readonly FetchedPartition[]>
}

/**
 * Fetches each partition from its leader: while the batches of one answer are handed out, the next answer is on its way.
 * In memory are at most these two, for each leader.
 */
export function startPartitionFetch(options: PartitionFetchOptions): PartitionReads {
  const { port, topic, clock, log } = options
  const positions = new Map<number, Position>()
  for (const [partition, offset] of options.starts)
    positions.set(partition, {
      ...{ expected: offset, ahead: offset, paused: false, turn: 0 },
      ...{ bytesMax: partitionBytesMin, lastEpoch: -1 },
    })
  const over = new AbortController()
  /** What wakes the loop of each leader. */
  const loops = new Map<number, Signal>()
  let leaders: ReadonlyMap<number, number> = new Map()
  let looking: Promise<void> | undefined
  let isLookPlanned = false
  let lane: Promise<void> = Promise.resolve()
  let pauseMs = againMsMin

  function fail(error: unknown): void {
    if (over.signal.aborted) return
    over.abort()
    wakeAll()
    options.failed(error instanceof Error ? error : new Error(String(error)))
  }

  function wakeAll(): void {
    for (const wake of loops.values()) wake.notify()
  }

  /** Finds the leaders anew, and sees to it that each is asked. All who want to know wait for one look. */
  function look(): Promise<void> {
    looking ??= lookUntilFound().finally(() => {
      looking = undefined
    })
    return looking
  }

  async function lookUntilFound(): Promise<void> {
    while (!over.signal.aborted) {
      try {
        leaders = await port.leaders()
        break
      } catch (error) {
        if (!(error instanceof TransientError)) return fail(error)
        log('debug', 'the leaders are not known', { topic, why: error.why })
        await wait()
      }
    }
    if (over.signal.aborted) return
    let isLeaderless = false
    for (const partition of positions.keys()) {
      const leader = leaders.get(partition) ?? -1
      if (leader < 0) isLeaderless = true
      if (leader < 0 || loops.has(leader)) continue
      const wake = createSignal()
      loops.set(leader, wake)
      loop(leader, wake).catch(fail)
    }
    if (isLeaderless && !isLookPlanned) {
      // The others are read meanwhile.
      isLookPlanned = true
      void clock.sleep(leaderlessMs, over.signal).then(() => {
        isLookPlanned = false
        return look()
      })
    }
    wakeAll()
  }

  async function wait(): Promise<void> {
    await clock.sleep(pauseMs, over.signal)
    pauseMs = Math.min(2 * pauseMs, againMsMax)
  }

  const isLed = (leader: number): boolean =>
    [...positions.keys()].some((partition) => leaders.get(partition) === leader)

  function ask(leader: number): Asked | undefined {
    const wanted = [...positions].filter(([partition, { paused }]) => !paused && leaders.get(partition) === leader)
    if (wanted.length === 0) return undefined
    const answer = port.fetch(
      leader,
      wanted.map(([partition, { ahead, bytesMax, lastEpoch }]) => ({ partition, offset: ahead, bytesMax, lastEpoch })),
    )
    // It may fail while batches are still being handed out: whoever awaits it is told.
    answer.catch(() => undefined)
    return {
      turns: new Map(wanted.map(([partition, { turn, ahead }]) => [partition, { turn, offset: ahead }])),
      answer,
    }
  }

  async function loop(leader: number, wake: Signal): Promise<void> {
    let asked: Asked | undefined
    while (!over.signal.aborted) {
      asked ??= ask(leader)
      if (asked === undefined) {
        if (!isLed(leader)) break
        await wake.wait()
        continue
      }
      const { turns, answer } = asked
      asked = undefined
      try {
        const parts = await answer
        if (over.signal.aborted) break
        const troubled: [FetchedPartition, Position][] = []
        for (const part of parts) {
          const current = turns.get(part.partitionIndex)
          const position = positions.get(part.partitionIndex)
          if (current === undefined || position === undefined) continue
          if (position.turn !== current.turn || position.ahead !== current.offset) continue
          if (part.errorCode !== 0 || part.diverging !== undefined) troubled.push([part, position])
          else if (part.bytes.length > 0) accept(part, position)
        }
        if (troubled.length === 0) {
          pauseMs = againMsMin
          asked = ask(leader)
        } else {
          for (const [part, position] of troubled) await judge(part, position)
          await wait()
          await look()
        }
      } catch (error) {
        if (!(error instanceof TransientError)) throw error
        log('debug', 'a fetch failed', { topic, leader, why: error.why })
        await wait()
        await look()
      }
      // Beside what was asked for, no more than one answer is in memory.
      await lane
    }
    loops.delete(leader)
  }

  /** Puts the batches in the lane, in the order in which they were fetched. */
  function accept(part: FetchedPartition, position: Position): void {
    const { partitionIndex: partition, bytes, abortedTransactions: aborted } = part
    const { next, leaderEpoch } = endOfBatches(bytes, position.ahead)
    if (next === position.ahead) {
      // Not one whole batch: there is one that is larger than what was asked for.
      if (position.bytesMax >= partitionBytesMax) throw oversizedBatch(topic, partition, position.ahead)
      position.bytesMax *= 2
      return
    }
    const { turn, ahead: offset } = position
    position.ahead = next
    position.lastEpoch = leaderEpoch
    const live = (): boolean => !over.signal.aborted && position.turn === turn
    lane = lane.then(async () => {
      if (!live()) return
      await options
        .fetched({
          ...{ partition, offset, bytes, aborted, signal: over.signal, live },
          advance(nextOffset) {
            position.expected = nextOffset
          },
          refetch: () => seek(partition, position.expected),
        })
        .catch(fail)
    })
  }

  /** What a partition's error means: ends the fetching where time does not mend it. */
  async function judge(part: FetchedPartition, position: Position): Promise<void> {
    const { partitionIndex: partition, errorCode, diverging } = part
    if (diverging !== undefined)
      return fail(logTruncated(topic, partition, position.ahead, Number(diverging.endOffset)))
    if (errorCode === kafkaCode.offsetOutOfRange) {
      const range = (await port.ranges()).get(partition)
      if (range !== undefined && (position.ahead < range.earliest || position.ahead > range.latest))
        fail(offsetOutOfRange(topic, partition, position.ahead, range))
      // A broker that no longer knows where that epoch ended says the same.
      position.lastEpoch = -1
    } else if (errorCode !== 0 && !passingOfFetch.has(errorCode)) fail(partitionRefused(topic, partition, errorCode))
  }

  void look()

  const move = (partition: number, change: (position: Position) => void): void => {
    const position = positions.get(partition)
    if (position === undefined) return
    change(position)
    position.turn += 1
    position.ahead = position.expected
  }

  function seek(partition: number, offset: number): void {
    move(partition, (position) => {
      position.expected = offset
      position.lastEpoch = -1
    })
    wakeAll()
  }

  return {
    pause(partitions) {
      for (const partition of partitions)
        if (positions.get(partition)?.paused === false)
          move(partition, (position) => {
            position.paused = true
          })
    },
    resume(partitions) {
      for (const partition of partitions)
        if (positions.get(partition)?.paused === true)
          move(partition, (position) => {
            position.paused = false
          })
      wakeAll()
    },
    seek,
    async stop() {
      over.abort()
      wakeAll()
      await lane
    },
  }
}

function oversizedBatch(topic: string, partition: number, offset: number): FatalError {
  return new FatalError({
    code: 'BATCH_OVERSIZED',
    message: `the batch of ${topic}/${partition} at offset ${offset} is larger than ${partitionBytesMax} bytes`,
    hint: 'lower max.message.bytes of the topic, and write it anew',
  })
}
