import type { Broker, Subscription } from '../ports/broker.ts'
import type { CandleStore } from '../ports/candle-store.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/logger.ts'
import type { DeadLetter } from '../schemas/dead-letter.ts'
import { messageOf } from '../schemas/errors.ts'
import type { TopicNames } from '../schemas/topics.ts'
import type { CommitPublisher } from './commit-publisher.ts'
import type { EmissionPublisher } from './emission-publisher.ts'
import type { EngineMetrics } from './engine-metrics.ts'
import type { Ownership } from './ownership.ts'
import type { PreparedCommit } from './partition-runner.ts'
import type { SnapshotWriter } from './snapshot-writer.ts'
import type { Topology } from './topology.ts'

/** Dead letters of one commit that get a log line of their own. */
const toldMax = 3

/** Makes what was processed durable, then tells the world: never the other way round. */
export interface Checkpointer {
  /**
   * One checkpoint of every partition that has news; trouble that may pass is recovered from.
   *
   * @throws {FatalError} Trouble that waiting does not mend.
   */
  run(): Promise<void>
}

export interface CheckpointerOptions {
  readonly topology: Topology
  readonly topics: TopicNames
  readonly broker: Broker
  readonly store: CandleStore
  readonly clock: Clock
  readonly log: Log
  readonly metrics: EngineMetrics
  readonly ownership: Ownership
  readonly commits: CommitPublisher
  readonly publisher: EmissionPublisher
  readonly snapshots: SnapshotWriter
  subscription(): Subscription | undefined
}

export function createCheckpointer(options: CheckpointerOptions): Checkpointer {
  const { topology, topics, broker, store, clock, log, metrics, ownership, commits, publisher, snapshots } = options

  const tellDeadLetters = (partition: number, letters: readonly DeadLetter[]): void => {
    for (const letter of letters.slice(0, toldMax)) {
      const where = letter.source === '' ? `${letter.topic}/${letter.partition}@${letter.offset}` : letter.source
      log('warn', `dead letter ${letter.reason} at ${where}: ${letter.detail}`)
    }
    if (letters.length > toldMax)
      log('warn', `${letters.length - toldMax} more dead letters in this commit`, { partition })
  }

  const publish = async ({ commit, finals, deadLetters, counts }: PreparedCommit): Promise<void> => {
    const { partition, epoch, nextOffset } = commit
    await commits.publish(partition, epoch, { finals, deadLetters })
    const sent = await publisher.publish(partition, finals)
    metrics.committed(
      partition,
      nextOffset,
      counts,
      finals.length,
      deadLetters.map(({ reason }) => reason),
    )
    tellDeadLetters(partition, deadLetters)
    const runner = ownership.runners.get(partition)
    if (runner?.epoch !== epoch) return
    runner.settled()
    if (sent.channels.length > 0) snapshots.note(partition, epoch, sent.lastOffset, sent.channels)
  }

  const attempt = async (partitions: readonly number[]): Promise<void> => {
    const prepared = partitions.flatMap((partition) => {
      const runner = ownership.runners.get(partition)
      return runner === undefined ? [] : [runner.prepare(ownership.ackedThrough(partition))]
    })
    // 1. The log below the offsets is safe. 2. The one transaction. 3. What it owes to the topics. 4. That is safe too.
    await broker.sync(topics.ticks)
    const started = clock.monotonic()
    await store.commit({
      topology: topology.name,
      topic: topics.ticks,
      partitions: prepared.map(({ commit }) => commit),
    })
    metrics.checkpointSeconds.observe((clock.monotonic() - started) / 1000)
    for (const one of prepared) await publish(one)
    await broker.sync(topics.candles)
    await broker.sync(topics.deadLetters)
    for (const { commit } of prepared) {
      const { partition, epoch, commitNo, nextOffset } = commit
      if (ownership.runners.get(partition)?.epoch === epoch) ownership.published(partition, commitNo, nextOffset)
    }
  }

  return {
    async run() {
      const due = [...ownership.runners.values()].filter((runner) => runner.hasNews)
      if (due.length === 0) return
      const partitions = due.map((runner) => runner.partition).sort((a, b) => a - b)
      try {
        await attempt(partitions)
      } catch (error) {
        await ownership.recover(partitions, error)
        return
      }
      const offsets = new Map(ownership.committed)
      broker.retainFrom(topics.ticks, offsets)
      await options
        .subscription()
        ?.commitOffsets(offsets)
        .catch((error: unknown) => {
          log('debug', 'group offsets were not stored', { why: messageOf(error) })
        })
    },
  }
}
