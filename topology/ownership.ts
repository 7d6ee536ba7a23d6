import type { Subscription } from '../ports/broker.ts'
import type { CandleStore, TopicIdentity } from '../ports/candle-store.ts'
import type { Clock } from '../ports/clock.ts'
import { createLane } from '../ports/lane.ts'
import type { Log, LogLevel } from '../ports/logger.ts'
import { FatalError, FencedError, messageOf, RedwickError, TransientError } from '../schemas/errors.ts'
import type { EngineMetrics } from './engine-metrics.ts'
import type { PreparedCommit, Runner, StageOutput, Suspect } from './stage.ts'

/** Bounds on taking partitions over. */
export interface OwnershipLimits {
  readonly retryMsMin: number
  readonly retryMsMax: number
  /** A fenced owner waits this long for the group to take the partition away before it takes it back. */
  readonly fencedWaitMs: number
  /** Commits that fail one after another from the same offset: one more is no accident. */
  readonly failuresMax: number
}

/** Why a partition stands still. */
export interface PauseReason {
  readonly error: unknown
  readonly why: string
  /** Of the record or batch that failed, where it is known. */
  readonly offset?: number
}

/** The partitions that this engine owns: each under one epoch, with its runner. */
export interface Ownership<Batch, Prepared extends PreparedCommit> {
  readonly runners: ReadonlyMap<number, Runner<Batch, Prepared>>
  /** Offset that each partition has committed and published. */
  readonly committed: ReadonlyMap<number, number>
  /** Partitions that the group has given, taken over yet or not. */
  readonly assigned: ReadonlySet<number>
  /** Partitions that stand still. */
  readonly paused: ReadonlySet<number>
  /**
   * Takes partitions over that the group has given.
   *
   * @param signal Aborts when the group takes them away: what is not taken over by then is left.
   * @returns Where to start each.
   */
  assign(partitions: readonly number[], signal: AbortSignal): Promise<ReadonlyMap<number, number>>
  revoke(partitions: readonly number[]): Promise<void>
  /** Drops what is in memory, and starts again from what is committed; for trouble that this mends. */
  restart(partition: number, why: string): Promise<void>
  /** The same, and from there on the key is held. */
  hold(partition: number, suspect: Suspect): Promise<void>
  /** Drops what is in memory; the partition stands still until it is given anew. An alarm. */
  pause(partition: number, reason: PauseReason): void
  /**
   * Drops what is in memory, and starts again from what is committed. Resolves without those that another owner has: they
   * start again after a while, unless the group has taken them away by then.
   */
  recover(partitions: readonly number[], error: unknown): Promise<void>
  /** The outbox up to this commit is with the topics. */
  published(partition: number, commitNo: number, nextOffset: number): void
  ackedThrough(partition: number): number
}

export interface OwnershipOptions<Batch, Prepared extends PreparedCommit> {
  /** Names the checkpoints in the store. */
  readonly name: string
  readonly identity: TopicIdentity
  readonly store: CandleStore
  readonly output: StageOutput<Batch, Prepared>
  readonly clock: Clock
  readonly log: Log
  readonly metrics: EngineMetrics
  readonly limits: OwnershipLimits
  readonly stopping: AbortSignal
  subscription(): Subscription | undefined
  /** Work that waits for a commit of these partitions waits for nothing now. */
  onDropped(): void
  /** Trouble that waiting does not mend, of a partition that was waited for. */
  onFatal(error: unknown): void
  /** In [0, 1). */
  random(): number
}

/** What may pass, and what a takeover mends. Anything else is a bug or a wrong set-up: it ends the engine. */
function isRecoverable(error: unknown): boolean {
  return error instanceof TransientError || error instanceof FencedError
}

function whyOf(error: unknown): string {
  const why = error instanceof RedwickError ? error.why : ''
  return why === '' ? messageOf(error) : `${messageOf(error)} (${why})`
}

export function createOwnership<Batch, Prepared extends PreparedCommit>(
  options: OwnershipOptions<Batch, Prepared>,
): Ownership<Batch, Prepared> {
  const { name, identity, store, output, clock, log, metrics, limits, stopping } = options
  const assigned = new Set<number>()
  /** How often each partition was taken away. */
  const revocations = new Map<number, number>()
  const runners = new Map<number, Runner<Batch, Prepared>>()
  const committed = new Map<number, number>()
  const acked = new Map<number, number>()
  const failures = new Map<number, { offset: number; count: number }>()
  const suspects = new Map<number, readonly Suspect[]>()
  const paused = new Set<number>()
  let isUp = true

  const dependenciesAre = (up: boolean, why = ''): void => {
    if (isUp && !up) log('warn', 'store or broker is down: intake pauses', { why })
    if (!isUp && up) log('info', 'store and broker are back: intake goes on')
    isUp = up
  }

  /**
   * Makes this process the owner of a partition, in the one order that is safe: fence the old owner at the broker, fence
   * it at the store and read what it committed, tell the world, publish what it still owed.
   *
   * @returns Where to go on; undefined when the group took the partition away meanwhile.
   */
  const takeOver = async (partition: number): Promise<number | undefined> => {
    const revocation = revocations.get(partition)
    // From here on nobody else's trouble with the partition is ours: it must not take away what is made anew.
    if (runners.has(partition)) drop(partition)
    await output.fence(partition)
    const [checkpoint] = await store.takeover(name, identity, [partition], clock.now())
    if (checkpoint === undefined)
      throw new FatalError({ code: 'NO_CHECKPOINT', message: `the store has no answer for partition ${partition}` })
    const known = (suspects.get(partition) ?? []).filter(({ offset }) => offset >= checkpoint.nextOffset)
    suspects.set(partition, known)
    const makeRunner = await output.begin(checkpoint, known)
    // Taken away, and perhaps given back meanwhile: then what was to be published may not have been.
    if (!assigned.has(partition) || revocations.get(partition) !== revocation) {
      output.drop(partition)
      await output.release(partition)
      return undefined
    }
    runners.set(partition, makeRunner())
    committed.set(partition, checkpoint.nextOffset)
    acked.set(partition, checkpoint.commitNo)
    log('debug', 'partition taken over', { partition, epoch: checkpoint.epoch, offset: checkpoint.nextOffset })
    return checkpoint.nextOffset
  }

  /** Takes over until it works, the partition is gone, or the trouble is one that waiting does not mend. */
  const takeOverPersistently = async (
    partition: number,
    ended: AbortSignal = stopping,
  ): Promise<number | undefined> => {
    for (
      let waitMs = limits.retryMsMin;
      assigned.has(partition) && !ended.aborted;
      waitMs = Math.min(waitMs * 2, limits.retryMsMax)
    ) {
      try {
        const offset = await takeOver(partition)
        dependenciesAre(true)
        return offset
      } catch (error) {
        if (!isRecoverable(error)) throw error
        dependenciesAre(false, whyOf(error))
        await clock.sleep(waitMs * (0.5 + options.random()), ended)
      }
    }
    return undefined
  }

  /** One takeover at a time: a rebalance and a recovery of one partition must not interleave. */
  const inLane = createLane()

  const drop = (partition: number): void => {
    runners.delete(partition)
    output.drop(partition)
  }

  const unpause = (partition: number): void => {
    if (paused.delete(partition)) metrics.paused(-1)
  }
  const stopIntake = (partitions: readonly number[]): void => {
    for (const partition of partitions) drop(partition)
    options.subscription()?.pause(partitions)
    options.onDropped()
  }
  const startAgain = async (partitions: readonly number[]): Promise<void> => {
    for (const partition of partitions) {
      const isTaken = (): boolean => runners.has(partition) || paused.has(partition)
      const offset = await inLane(async () => (isTaken() ? undefined : takeOverPersistently(partition)))
      if (offset === undefined) continue
      options.subscription()?.seek(partition, offset)
      options.subscription()?.resume([partition])
    }
  }
  const restart = async (partition: number, level: LogLevel, why: string): Promise<void> => {
    if (!runners.has(partition)) return
    log(level, 'state is dropped and taken over again', { partition, why })
    stopIntake([partition])
    await startAgain([partition])
  }

  /** Counts failures from one offset. @throws {FatalError} `CHECKPOINT_REFUSED` when there are too many. */
  const countFailure = (partition: number, error: unknown): void => {
    const offset = committed.get(partition) ?? 0
    const before = failures.get(partition)
    const count = before?.offset === offset ? before.count + 1 : 1
    failures.set(partition, { offset, count })
    const isRefusal = error instanceof TransientError && error.code === 'STORE_REFUSED'
    if (!isRefusal || count <= limits.failuresMax) return
    throw new FatalError({
      code: 'CHECKPOINT_REFUSED',
      message: `the store refuses what follows offset ${offset} of ${identity.topic}/${partition}`,
      why: whyOf(error),
      hint: 'nothing was lost: look at the records there, mend the store, and start again',
      cause: error,
    })
  }

  return {
    runners,
    committed,
    assigned,
    paused,
    async assign(partitions, signal) {
      // Two owners that each believe in their assignment would take a partition from each other for ever.
      const ended = AbortSignal.any([stopping, signal])
      for (const partition of partitions) {
        assigned.add(partition)
        unpause(partition)
      }
      const offsets = new Map<number, number>()
      for (const partition of partitions) {
        const offset = await inLane(() => takeOverPersistently(partition, ended))
        if (offset !== undefined) offsets.set(partition, offset)
      }
      log('info', 'partitions assigned', { partitions, offsets: Object.fromEntries(offsets) })
      return offsets
    },
    async revoke(partitions) {
      for (const partition of partitions) {
        assigned.delete(partition)
        revocations.set(partition, (revocations.get(partition) ?? 0) + 1)
        drop(partition)
        committed.delete(partition)
        suspects.delete(partition)
        unpause(partition)
      }
      await Promise.all(partitions.map((partition) => output.release(partition)))
    },
    restart: (partition, why) => restart(partition, 'warn', why),
    async hold(partition, suspect) {
      if (!runners.has(partition)) return
      suspects.set(partition, [...(suspects.get(partition) ?? []), suspect])
      metrics.alarm('key_held')
      const { symbol, offset, error } = suspect
      log('error', `a record made a step throw: ${symbol} is held`, {
        ...{ topic: identity.topic, partition, offset, error },
        hint: `mend the step, then: npm run quarantine -- release ${symbol}`,
      })
      await restart(partition, 'info', `${symbol} is held`)
    },
    pause(partition, { error, why, offset }) {
      if (paused.has(partition) || !assigned.has(partition)) return
      paused.add(partition)
      stopIntake([partition])
      metrics.alarm('partition_paused')
      metrics.paused(1)
      log('error', 'the partition stands still', {
        ...{ topic: identity.topic, partition, offset: offset ?? null, from: committed.get(partition) ?? 0, why },
        error: error instanceof Error ? (error.stack ?? error.message) : whyOf(error),
        hint: 'nothing was lost: mend the step that throws, and start again; other partitions go on',
      })
    },
    async recover(partitions, error) {
      if (!isRecoverable(error)) throw error
      log('warn', 'checkpoint failed: state is dropped and taken over again', { partitions, why: whyOf(error) })
      metrics.recovered()
      const mine = partitions.filter((partition) => runners.has(partition))
      stopIntake(mine)
      for (const partition of mine) countFailure(partition, error)
      const isFenced = (partition: number): boolean =>
        error instanceof FencedError && (error.partitions?.includes(partition) ?? true)
      const fenced = mine.filter(isFenced)
      // Who fenced us may be the rightful owner: the group will say so. Nobody else waits for that.
      if (fenced.length > 0)
        void clock
          .sleep(limits.fencedWaitMs, stopping)
          .then(() => startAgain(fenced))
          .catch(options.onFatal)
      await startAgain(mine.filter((partition) => !isFenced(partition)))
    },
    published(partition, commitNo, nextOffset) {
      acked.set(partition, commitNo)
      committed.set(partition, nextOffset)
      failures.delete(partition)
    },
    ackedThrough: (partition) => acked.get(partition) ?? 0,
  }
}
