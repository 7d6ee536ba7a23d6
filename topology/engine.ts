import type { BatchHandler, Broker, Subscription } from '../ports/broker.ts'
import type { CandleStore } from '../ports/candle-store.ts'
import type { Clock } from '../ports/clock.ts'
import { inTime } from '../ports/in-time.ts'
import type { Log } from '../ports/logger.ts'
import type { SourceBatch } from '../schemas/batch-decoder.ts'
import { FatalError, messageOf } from '../schemas/errors.ts'
import { type Checkpointer, createCheckpointer } from './checkpointer.ts'
import type { EngineMetrics } from './engine-metrics.ts'
import { createIsolation, type Isolation } from './isolation.ts'
import { createOwnership, type Ownership, type OwnershipLimits } from './ownership.ts'
import type { PreparedCommit, Runner, Stage, StageOutput } from './stage.ts'

/** Bounds and cadences of an engine. */
export interface EngineLimits extends OwnershipLimits {
  /** Least and greatest time between commits; in between, committing takes at most half of the time. */
  readonly commitEveryMs: number
  readonly commitEveryMsMax: number
  /** Between looks for something to commit until the first commit: who starts waits for it. */
  readonly firstCommitMs: number
  /** Dead letters and late ranges that may wait for a commit before the partition's intake waits for it. */
  readonly pendingMax: number
  /** Records that may be processed and not committed. */
  readonly uncommittedMax: number
  /** Longest waits of a stop: for what is committed and published last, and for the broker. */
  readonly lastCheckpointMsMax: number
  readonly leaveMsMax: number
}

const defaultLimits: EngineLimits = {
  commitEveryMs: 1000,
  commitEveryMsMax: 5000,
  firstCommitMs: 100,
  pendingMax: 10_000,
  uncommittedMax: 4_000_000,
  lastCheckpointMsMax: 4_000,
  leaveMsMax: 3_000,
  retryMsMin: 100,
  retryMsMax: 1000,
  fencedWaitMs: 7000,
  failuresMax: 5,
}

export interface EngineOptions<Batch extends SourceBatch, Prepared extends PreparedCommit> {
  readonly stage: Stage<Batch, Prepared>
  readonly broker: Broker
  readonly store: CandleStore
  readonly clock: Clock
  readonly log: Log
  readonly metrics: EngineMetrics
  readonly limits?: Partial<EngineLimits>
  /** In [0, 1); default `Math.random`. */
  random?(): number
}

/** Runs a stage of a topology as one member of its consumer group. */
export interface Engine {
  start(): Promise<void>
  /** Offset that each of its partitions has committed and published. */
  committed(): ReadonlyMap<number, number>
  /** Offset that each of its partitions has processed. */
  processed(): ReadonlyMap<number, number>
  /** Partitions that the group has given to this engine, taken over yet or not. */
  assigned(): ReadonlySet<number>
  /** Partitions that stand still because a step throws. */
  standing(): ReadonlySet<number>
  /** Resolves after the next checkpoint, which comes at once. */
  checkpointNow(): Promise<void>
  /** Commits and publishes what there is, leaves the group. */
  stop(): Promise<void>
  /** Rejects when the engine cannot go on; never resolves. */
  readonly failed: Promise<never>
}

export function createEngine<Batch extends SourceBatch, Prepared extends PreparedCommit>(
  options: EngineOptions<Batch, Prepared>,
): Engine {
  const { stage, broker, clock, log, metrics } = options
  const limits: EngineLimits = { ...defaultLimits, ...options.limits }
  const stopping = new AbortController()
  let running: Running | undefined
  let wake = new AbortController()
  const waiters: (() => void)[] = []
  let fail: (error: unknown) => void = () => undefined
  const failed = new Promise<never>((_, reject) => {
    fail = reject
  })
  failed.catch(() => undefined)

  interface Running {
    readonly subscription: Subscription
    readonly ownership: Ownership<Batch, Prepared>
    readonly checkpointer: Checkpointer
    readonly output: StageOutput<Batch, Prepared>
    readonly loop: Promise<void>
    readonly cancelPulse: () => void
  }

  const releaseWaiters = (): void => {
    for (const waiter of waiters.splice(0)) waiter()
  }
  const checkpointed = (): Promise<void> =>
    new Promise((resolve) => {
      waiters.push(resolve)
      wake.abort()
    })

  const commitLoop = async (checkpointer: Checkpointer): Promise<void> => {
    let waitMs = Math.min(limits.firstCommitMs, limits.commitEveryMs)
    let hasCommitted = false
    while (!stopping.signal.aborted) {
      await clock.sleep(waitMs, wake.signal)
      wake = new AbortController()
      if (stopping.signal.aborted) return
      const tookMs = await checkpointer.run().finally(releaseWaiters)
      hasCommitted ||= tookMs !== undefined
      if (hasCommitted) waitMs = Math.min(Math.max(limits.commitEveryMs, tookMs ?? 0), limits.commitEveryMsMax)
    }
  }

  const uncommitted = ({ committed }: Ownership<Batch, Prepared>, runner: Runner<Batch, Prepared>): number =>
    runner.nextOffset - (committed.get(runner.partition) ?? 0)

  /** Commits what came before the batch, fetches what it asks for, then processes it: nothing, where the runner is dropped. */
  const processEnriched = async (
    ownership: Ownership<Batch, Prepared>,
    isolation: Isolation<Batch, Prepared>,
    runner: Runner<Batch, Prepared>,
    enrich: () => Promise<Batch>,
  ): Promise<void> => {
    const { partition } = runner
    const isOurs = (): boolean => !stopping.signal.aborted && ownership.runners.get(partition) === runner
    while (isOurs() && uncommitted(ownership, runner) > 0) await checkpointed()
    if (!isOurs()) return
    try {
      const batch = await enrich()
      if (isOurs()) isolation.process(runner, batch)
    } catch (error) {
      if (!isOurs()) return
      await clock.sleep(limits.retryMsMin, stopping.signal)
      // Not awaited: it pauses the partition at once, and seeks back.
      ownership.recover([partition], error).catch(fail)
    }
    if (runner.isSpent !== true) return
    while (isOurs() && uncommitted(ownership, runner) > 0) await checkpointed()
    if (isOurs()) ownership.restart(partition, 'a key is released').catch(fail)
  }

  const makeHandler = (
    ownership: Ownership<Batch, Prepared>,
    isolation: Isolation<Batch, Prepared>,
    output: StageOutput<Batch, Prepared>,
  ): BatchHandler<Batch> => ({
    assigned: (partitions, signal) => ownership.assign(partitions, signal),
    batch(batch) {
      const runner = ownership.runners.get(batch.partition)
      // One that stops takes nothing more: a batch that waits for a commit is left, and so is what comes behind it.
      if (stopping.signal.aborted) running?.subscription.pause([batch.partition])
      if (runner === undefined || stopping.signal.aborted) return undefined
      const enrich = runner.enrich?.(batch)
      if (enrich !== undefined) return processEnriched(ownership, isolation, runner, enrich)
      isolation.process(runner, batch)
      // Without a cadence nothing waits for the timer, which is no finer than a millisecond.
      if (stage.pulseEveryMs === 0) output.pulse(isolation.failed)
      if (runner.pending < limits.pendingMax && uncommitted(ownership, runner) < limits.uncommittedMax) return undefined
      return checkpointed()
    },
    async revoked(partitions) {
      releaseWaiters()
      for (const partition of partitions) isolation.forget(partition)
      await ownership.revoke(partitions)
    },
    // Partitions that the group gives to one that stops are taken by nobody: that is no failure.
    failed(error) {
      if (!stopping.signal.aborted) fail(error)
    },
  })

  const start = async (): Promise<Running> => {
    const description = await broker.admin.describeTopic(stage.topic)
    if (description === undefined)
      throw new FatalError({
        code: 'NO_TOPIC',
        message: `there is no topic ${stage.topic}`,
        hint: 'start a feed first',
      })
    const identity = { topic: stage.topic, topicId: description.topicId, partitions: description.partitions }
    const output = await stage.open({
      identity,
      onFailure: fail,
      onAlarm(partition, name) {
        metrics.alarm(name)
        if (name === 'conservation_breach') log('error', 'records are not accounted for', { partition })
      },
    })
    let subscription: Subscription | undefined
    const common = { ...options, name: stage.name, output, subscription: () => subscription }
    const ownership = createOwnership({
      ...common,
      identity,
      limits,
      stopping: stopping.signal,
      onDropped: releaseWaiters,
      onFatal: fail,
      random: options.random ?? Math.random,
    })
    const isolation = createIsolation({ ownership, clock, onFatal: fail })
    const checkpointer = createCheckpointer({ ...common, topic: stage.topic, ownership, isolation })
    subscription = await broker.subscribe({
      topic: stage.topic,
      groupId: stage.groupId,
      decoder: stage.decoder,
      handler: makeHandler(ownership, isolation, output),
    })
    return {
      subscription,
      ownership,
      checkpointer,
      output,
      cancelPulse: clock.every(stage.pulseEveryMs, () => output.pulse(isolation.failed)),
      loop: commitLoop(checkpointer).catch(fail),
    }
  }

  return {
    async start() {
      running = await start()
    },
    committed: () => running?.ownership.committed ?? new Map<number, number>(),
    processed: () =>
      new Map([...(running?.ownership.runners ?? [])].map(([partition, runner]) => [partition, runner.nextOffset])),
    assigned: () => running?.ownership.assigned ?? new Set<number>(),
    standing: () => running?.ownership.paused ?? new Set<number>(),
    checkpointNow: checkpointed,
    async stop() {
      if (stopping.signal.aborted) return
      running?.cancelPulse()
      running?.subscription.pause([...running.ownership.runners.keys()])
      stopping.abort()
      wake.abort()
      if (running === undefined) return // not started yet: nothing is owed
      const { subscription, checkpointer, output, loop } = running
      const last = loop
        .then(() => checkpointer.run())
        .catch((error: unknown) => log('warn', 'the last checkpoint failed', { why: messageOf(error) }))
      if (!(await inTime(clock, limits.lastCheckpointMsMax, last)))
        log('warn', 'the last checkpoint waits for a service that is down: the next start does it')
      releaseWaiters()
      const left = subscription.close().then(() => output.close())
      if (!(await inTime(clock, limits.leaveMsMax, left)))
        log('warn', 'the broker does not answer: it will see for itself that this member is gone')
    },
    failed,
  }
}
