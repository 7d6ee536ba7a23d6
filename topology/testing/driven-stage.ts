import type { PartitionCheckpoint } from '../../ports/candle-store.ts'
import { type Conservation, conservationBreach, createConservation } from '../../processors/core/effects.ts'
import type { SourceBatch } from '../../schemas/batch-decoder.ts'
import type { DeadLetter, LateRange } from '../../schemas/dead-letter.ts'
import { invariant } from '../../schemas/errors.ts'
import type { PreparedCommit, Runner } from '../stage.ts'
import { createDrivenPartition, type DrivenPartition, type Owned } from './driven-partition.ts'
import type { Interleaving } from './interleaving.ts'
import type { MemoryLog } from './memory-log.ts'

/** Which partitions of which stages: all where it is left out. */
export interface Place {
  /** Name of a stage. */
  readonly stage?: string
  readonly partition?: number
}

/** What became of the records of a partition, as committed. */
export interface StageCounts extends Readonly<Conservation> {
  readonly stage: string
  readonly partition: number
  /** Records that are not accounted for: 0, or there is a bug. */
  readonly breach: number
}

/** Records that a stage did not use, folded: one range for each key and reason of a commit. */
export interface DrivenLate extends LateRange {
  readonly stage: string
}

/** One stage with all of its partitions. */
export interface DrivenStage<R> {
  readonly name: string
  readonly topic: string
  /** Processes what its topic holds. */
  drain(): void
  runners(): readonly R[]
  /** Partitions that a place names. */
  partitionsOf(place: Place): readonly number[]
  /** One checkpoint of a partition that has news; publishes what it owes unless the process dies before. */
  commit(partition: number, dies: boolean): void
  /** Another process takes the partition over. */
  takeOver(partition: number): void
  states(partition: number): readonly Uint8Array[]
  readonly counts: readonly StageCounts[]
  readonly deadLetters: readonly DeadLetter[]
  readonly late: readonly DrivenLate[]
}

export interface DrivenStageOptions<Batch extends SourceBatch, Prepared extends PreparedCommit, R> {
  readonly name: string
  readonly topic: string
  readonly partitions: number
  readonly log: MemoryLog
  readonly interleaving: Interleaving
  open(checkpoint: PartitionCheckpoint): Owned<Batch, R>
  /** Writes what a commit holds; throws before anything is changed. */
  store(prepared: Prepared): void
  /** Publishes what a commit owes, as it was packed. */
  publish(runner: R, payload: Uint8Array): void
}

export function createDrivenStage<
  Batch extends SourceBatch,
  Prepared extends PreparedCommit,
  R extends Runner<Batch, Prepared>,
>(options: DrivenStageOptions<Batch, Prepared, R>): DrivenStage<R> {
  const { name, topic, log, interleaving } = options
  const all = Array.from({ length: options.partitions }, (_, partition) =>
    createDrivenPartition<Batch, Prepared, R>(partition, options.open),
  )
  const counts = all.map(createConservation)
  const deadLetters: DeadLetter[] = []
  const late: DrivenLate[] = []
  const at = (partition: number): DrivenPartition<Prepared, R> => {
    const found = all[partition]
    invariant(found !== undefined, `${name} has ${all.length} partitions, was ${partition}`)
    return found
  }
  const keep = (prepared: Prepared): void => {
    options.store(prepared)
    const { commit } = prepared
    const sum = counts[commit.partition] ?? createConservation()
    for (const what of Object.keys(sum) as (keyof Conservation)[]) sum[what] += prepared.counts[what]
    deadLetters.push(...commit.deadLetters)
    late.push(...commit.lateRanges.map((range) => ({ stage: name, ...range })))
  }
  return {
    name,
    topic,
    drain() {
      for (let isAny = true; isAny; ) {
        isAny = false
        for (const one of interleaving.order(all)) {
          const records = log.read(topic, one.partition)
          const left = records.length - one.runner.nextOffset
          if (left > 0) isAny = one.read(records, interleaving.upTo(left)) || isAny
        }
      }
    },
    runners: () => all.map(({ runner }) => runner),
    partitionsOf({ stage, partition }) {
      if (stage !== undefined && stage !== name) return []
      if (partition === undefined) return all.map((one) => one.partition)
      return partition < all.length ? [partition] : []
    },
    commit(partition, dies) {
      const one = at(partition)
      if (!one.runner.hasNews) return
      const { commit } = one.commit(keep)
      if (dies) return
      if (commit.outbox !== undefined) options.publish(one.runner, commit.outbox)
      one.published()
    },
    takeOver(partition) {
      const one = at(partition)
      for (const { payload } of one.takeOver()) options.publish(one.runner, payload)
    },
    states: (partition) => at(partition).states,
    get counts() {
      return counts.map((sum, partition) => ({ stage: name, partition, ...sum, breach: conservationBreach(sum) }))
    },
    deadLetters,
    late,
  }
}
