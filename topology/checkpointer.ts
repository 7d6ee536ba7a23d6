import type { Broker, Subscription } from '../ports/broker.ts'
import type { CandleStore, PartitionPosition } from '../ports/candle-store.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/logger.ts'
import type { DeadLetter } from '../schemas/dead-letter.ts'
import { FencedError, messageOf, TransientError } from '../schemas/errors.ts'
import type { EngineMetrics } from './engine-metrics.ts'
import type { Isolation } from './isolation.ts'
import { lastWords } from './last-words.ts'
import type { Ownership } from './ownership.ts'
import { createRetentionWatch } from './retention-watch.ts'
import type { PreparedCommit, StageOutput } from './stage.ts'

/** How often the owner of each partition is looked for: one that has nothing to commit would not hear that it was followed. */
const ownerLookMs = 5_000
/** Dead letters of one commit that get a log line of their own. */
const toldMax = 3

/** Makes what was processed durable, then tells the world: never the other way round. */
export interface Checkpointer {
  /**
   * One checkpoint of every partition that has news; trouble that may pass is recovered from.
   *
   * @returns Ms that the commit took, with what it owed to the topics; undefined where none came about.
   * @throws {FatalError} Trouble that waiting does not mend.
   */
  run(): Promise<number | undefined>
}

export interface CheckpointerOptions<Batch, Prepared extends PreparedCommit> {
  /** Names the checkpoints in the store. */
  readonly name: string
  readonly topic: string
  readonly broker: Pick<Broker, 'sync' | 'retainFrom' | 'admin'>
  readonly store: CandleStore
  readonly clock: Clock
  readonly log: Log
  readonly metrics: EngineMetrics
  readonly ownership: Ownership<Batch, Prepared>
  readonly isolation: Isolation<Batch, Prepared>
  readonly output: StageOutput<Batch, Prepared>
  subscription(): Subscription | undefined
}

export function createCheckpointer<Batch, Prepared extends PreparedCommit>(
  options: CheckpointerOptions<Batch, Prepared>,
): Checkpointer {
  const { name, topic, broker, store, clock, log, metrics, ownership, isolation, output } = options
  const watchRetention = createRetentionWatch(options)

  const tellDeadLetters = (partition: number, letters: readonly DeadLetter[]): void => {
    for (const letter of letters.slice(0, toldMax)) {
      const where = letter.source === '' ? `${letter.topic}/${letter.partition}@${letter.offset}` : letter.source
      log('warn', `dead letter ${letter.reason} at ${where}: ${letter.detail}`)
    }
    if (letters.length > toldMax)
      log('warn', `${letters.length - toldMax} more dead letters in this commit`, { partition })
  }

  const publish = async (prepared: Prepared): Promise<void> => {
    const { commit, deadLetters, counts } = prepared
    await output.publish(prepared)
    const reasons = deadLetters.map(({ reason }) => reason)
    metrics.committed(commit.partition, commit.nextOffset, counts, commit.candles.length, reasons)
    tellDeadLetters(commit.partition, deadLetters)
  }

  /** A step that throws at the barrier costs its partition, not the others. */
  const prepareOf = (partition: number): readonly Prepared[] => {
    const runner = ownership.runners.get(partition)
    if (runner === undefined) return []
    try {
      return [runner.prepare(ownership.ackedThrough(partition))]
    } catch (error) {
      isolation.failed(partition, error)
      return []
    }
  }

  /** @returns What kept a partition from saying what it committed: that costs this partition, not the others. */
  const attempt = async (partitions: readonly number[]): Promise<ReadonlyMap<number, unknown>> => {
    const failures = new Map<number, unknown>()
    const prepared: Prepared[] = []
    for (const partition of partitions) {
      prepared.push(...prepareOf(partition))
      await clock.sleep(0) // much state takes long to write: others have their turn in between
    }
    if (prepared.length === 0) return failures
    // 1. The log below the offsets is safe. 2. The one transaction. 3. What it owes to the topics. 4. That is safe too.
    await broker.sync(topic)
    const started = clock.monotonic()
    await store.commit({
      topology: name,
      topic,
      partitions: lastWords(prepared.map(({ commit }) => commit)),
    })
    metrics.checkpointTook((clock.monotonic() - started) / 1000)
    const published = await Promise.allSettled(prepared.map(publish))
    await output.sync()
    for (const [i, { commit }] of prepared.entries()) {
      const { partition, epoch, commitNo, nextOffset } = commit
      // Taken over anew meanwhile: what is owed is left to that, and trouble with it is none of the new owner's.
      if (ownership.runners.get(partition)?.epoch !== epoch) continue
      const outcome = published[i]
      if (outcome?.status === 'rejected') failures.set(partition, outcome.reason)
      else ownership.published(partition, commitNo, nextOffset)
    }
    return failures
  }

  let lookedAt = clock.monotonic()
  /** Another process may have taken a partition over and let go of it again: what is owed to the topics is owed still. */
  const lookForOwners = async (): Promise<void> => {
    if (clock.monotonic() - lookedAt < ownerLookMs) return
    lookedAt = clock.monotonic()
    let stored: readonly PartitionPosition[] = []
    try {
      stored = await store.positions(name)
    } catch (error) {
      if (!(error instanceof TransientError)) throw error
      return // the next commit says what is wrong, or the next look
    }
    const followed = stored.filter(({ partition, epoch }) => epoch > (ownership.runners.get(partition)?.epoch ?? epoch))
    if (followed.length === 0) return
    const partitions = followed.map(({ partition }) => partition)
    const message = `another owner has followed in partitions ${partitions.join(', ')}`
    await ownership.recover(partitions, new FencedError({ code: 'FENCED', message }))
  }

  /** Committed offsets, or where the first held record stands. */
  const neededFrom = (offsets: ReadonlyMap<number, number>): ReadonlyMap<number, number> =>
    new Map(
      [...offsets].map(([partition, offset]) => [
        partition,
        Math.min(offset, ownership.runners.get(partition)?.heldFrom ?? offset),
      ]),
    )

  return {
    async run() {
      await lookForOwners()
      const due = [...ownership.runners.values()].filter((runner) => runner.hasNews)
      if (due.length === 0) return undefined
      const partitions = due.map((runner) => runner.partition).sort((a, b) => a - b)
      const started = clock.monotonic()
      let failures: ReadonlyMap<number, unknown>
      try {
        failures = await attempt(partitions)
      } catch (error) {
        await ownership.recover(partitions, error)
        return undefined
      }
      for (const [partition, error] of failures) await ownership.recover([partition], error)
      if (failures.size > 0) return undefined
      const tookMs = clock.monotonic() - started
      const offsets = new Map(ownership.committed)
      broker.retainFrom(topic, neededFrom(offsets))
      await watchRetention()
      await options
        .subscription()
        ?.commitOffsets(offsets)
        .catch((error: unknown) => {
          log('debug', 'group offsets were not stored', { why: messageOf(error) })
        })
      return tookMs
    },
  }
}
