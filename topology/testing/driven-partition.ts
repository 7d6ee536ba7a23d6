import type { OutboxRow, PartitionCheckpoint } from '../../ports/candle-store.ts'
import { type BatchDecoder, pushed, type SourceBatch } from '../../schemas/batch-decoder.ts'
import { batchRowsMax } from '../../schemas/columns.ts'
import { controlHeader } from '../../schemas/control.ts'
import { invariant } from '../../schemas/errors.ts'
import type { PreparedCommit, Runner } from '../stage.ts'
import type { LoggedRecord } from './memory-log.ts'

/** What a process has of a partition: gone with it. */
export interface Owned<Batch extends SourceBatch, R> {
  readonly runner: R
  readonly decoder: BatchDecoder<Batch>
}

/** A partition of a stage: its checkpoint in memory, and the runner that goes on from it. */
export interface DrivenPartition<Prepared extends PreparedCommit, R> {
  readonly partition: number
  readonly runner: R
  /** Packed states as committed. */
  readonly states: readonly Uint8Array[]
  /** Offset as committed. */
  readonly committed: number
  /** Processes at most so many of the records that it has not seen yet. @returns Whether there were any. */
  read(log: readonly LoggedRecord[], most: number): boolean
  /** Makes what was processed durable, once `check` has seen it. */
  commit(check: (prepared: Prepared) => void): Prepared
  /** The topics have what commits so far owed. */
  published(): void
  /** A new owner goes on from what is committed. @returns What it has to publish again. */
  takeOver(): readonly OutboxRow[]
}

export function createDrivenPartition<
  Batch extends SourceBatch,
  Prepared extends PreparedCommit,
  R extends Runner<Batch, Prepared>,
>(partition: number, open: (checkpoint: PartitionCheckpoint) => Owned<Batch, R>): DrivenPartition<Prepared, R> {
  let kept: PartitionCheckpoint = {
    ...{ partition, epoch: 1, nextOffset: 0, commitNo: 0, lastSeq: 0 },
    ...{ states: [], outbox: [], quarantines: [] },
  }
  let ackedThrough = 0
  let owned = open(kept)

  const push = (offset: number, { value, appendTime, headers }: LoggedRecord): boolean => {
    const { decoder } = owned
    const became = decoder.push(value, 0, value?.length ?? 0, offset, appendTime, headers?.[controlHeader]?.toString())
    invariant(became !== pushed.needsSchema, `a value has a known schema, was ${decoder.wantedSchemaId}`)
    return became === pushed.taken
  }
  return {
    partition,
    get runner() {
      return owned.runner
    },
    get states() {
      return kept.states
    },
    get committed() {
      return kept.nextOffset
    },
    read(log, most) {
      const { runner, decoder } = owned
      const from = runner.nextOffset
      const end = Math.min(log.length, from + most, from + batchRowsMax)
      let offset = from
      while (offset < end && push(offset, log[offset] as LoggedRecord)) offset += 1
      if (offset === from) return false
      runner.process(decoder.take(partition, from, offset))
      return true
    },
    commit(check) {
      const prepared = owned.runner.prepare(ackedThrough)
      check(prepared)
      const { nextOffset, commitNo, lastSeq, state, stateFull, outbox, outboxAckedThrough } = prepared.commit
      const waiting = kept.outbox.filter((row) => row.commitNo > outboxAckedThrough)
      kept = {
        ...{ partition, epoch: kept.epoch, nextOffset, commitNo, lastSeq, quarantines: [] },
        states: stateFull ? [state] : [...kept.states, state],
        outbox: outbox === undefined ? waiting : [...waiting, { commitNo, payload: outbox }],
      }
      return prepared
    },
    published() {
      ackedThrough = kept.commitNo
    },
    takeOver() {
      kept = { ...kept, epoch: kept.epoch + 1 }
      owned = open(kept)
      ackedThrough = kept.commitNo
      return kept.outbox
    },
  }
}
