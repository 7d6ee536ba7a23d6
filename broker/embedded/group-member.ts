import { setImmediate as nextTurn } from 'node:timers/promises'
import type { SubscribeOptions } from '../../ports/broker.ts'
import type { Clock } from '../../ports/clock.ts'
import type { SourceBatch } from '../../schemas/batch-decoder.ts'
import { notAssigned, unknownTopic } from '../broker-errors.ts'
import { createSignal } from '../signal.ts'
import { type ColumnPump, createColumnPump } from './column-pump.ts'
import type { TopicLog } from './topic-log.ts'

interface MemberOptions<Batch extends SourceBatch> extends SubscribeOptions<Batch> {
  readonly log: TopicLog
  readonly clock: Clock
  /** The member ended by itself: its group gives its partitions to others. */
  onFailed(): void
}

/** One subscription: what it owns, and the loop that feeds its handler. */
export interface GroupMember {
  readonly log: TopicLog
  readonly owned: readonly number[]
  /** Starts the partitions where the handler says. Failures end the member. */
  give(partitions: readonly number[]): void
  /** Waits for the batch in hand, then tells the handler. */
  takeAll(): Promise<void>
  /** Stops without a callback; resolves when the batch in hand is done. */
  stop(): Promise<void>
  fail(error: Error): void
  readonly ended: boolean
  pause(partitions: readonly number[]): void
  resume(partitions: readonly number[]): void
  seek(partition: number, offset: number): void
}

export function createGroupMember<Batch extends SourceBatch>(options: MemberOptions<Batch>): GroupMember {
  const { handler, log, topic } = options
  const signal = createSignal()
  let owned: readonly number[] = []
  let pumps: readonly ColumnPump[] = []
  let starting: Promise<void> = Promise.resolve()
  let running: Promise<void> = Promise.resolve()
  let assignment = new AbortController()
  let ended = false

  function fail(error: unknown): void {
    if (ended) return
    ended = true
    halt()
    handler.failed(error instanceof Error ? error : new Error(String(error)))
    options.onFailed()
  }

  function halt(): void {
    assignment.abort()
    signal.notify()
  }

  async function run(current: readonly ColumnPump[], aborted: AbortSignal): Promise<void> {
    const quiet = current.map(({ partition }) => log.partitions[partition]?.onAppend(signal.notify))
    try {
      while (!aborted.aborted) {
        let busy = false
        for (const pump of current) {
          if (aborted.aborted) return
          if (log.partitions[pump.partition]?.closed) throw unknownTopic(topic)
          if (await pump.step()) busy = true
        }
        if (busy)
          await nextTurn() // timers and sockets get their turn between batches
        else await signal.wait()
      }
    } finally {
      for (const end of quiet) end?.()
    }
  }

  async function start(partitions: readonly number[]): Promise<void> {
    assignment = new AbortController()
    const { signal: aborted } = assignment
    const starts = await handler.assigned(partitions, aborted)
    if (aborted.aborted) return
    pumps = createPumps(options, partitions, starts, aborted)
    running = run(pumps, aborted).catch(fail)
  }

  return {
    log,
    get owned() {
      return owned
    },
    get ended() {
      return ended
    },
    give(partitions) {
      owned = partitions
      if (partitions.length > 0 && !ended) starting = start(partitions).catch(fail)
    },
    async takeAll() {
      halt()
      await starting
      await running
      const taken = owned
      owned = []
      pumps = []
      if (taken.length > 0 && !ended) await handler.revoked(taken).catch(fail)
    },
    async stop() {
      ended = true
      halt()
      await starting
      await running
      owned = []
    },
    fail,
    pause(partitions) {
      for (const pump of pumps) if (partitions.includes(pump.partition)) pump.paused = true
    },
    resume(partitions) {
      for (const pump of pumps) if (partitions.includes(pump.partition)) pump.paused = false
      signal.notify()
    },
    seek(partition, offset) {
      try {
        pumps.find((pump) => pump.partition === partition)?.seek(offset)
        signal.notify()
      } catch (error) {
        fail(error)
      }
    },
  }
}

function createPumps<Batch extends SourceBatch>(
  options: MemberOptions<Batch>,
  partitions: readonly number[],
  starts: ReadonlyMap<number, number>,
  signal: AbortSignal,
): ColumnPump[] {
  const { topic, decoder, handler, clock } = options
  return partitions.map((partition) => {
    const start = starts.get(partition)
    const log = options.log.partitions[partition]
    if (start === undefined || log === undefined) throw notAssigned(topic, partition)
    return createColumnPump({ topic, partition, log, decoder, handler, clock, signal }, start)
  })
}
