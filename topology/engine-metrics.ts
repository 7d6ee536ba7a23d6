import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { Conservation } from '../processors/core/effects.ts'
import type { DeadLetterReason } from '../schemas/dead-letter.ts'

/** What an engine counts. */
export interface EngineMetrics {
  alarm(name: string): void
  /** A checkpoint failed; state is taken over again. */
  recovered(): void
  /** A commit in the store took so long. */
  checkpointTook(seconds: number): void
  /** So many partitions more (or fewer) stand still because a step throws. */
  paused(change: number): void
  committed(
    partition: number,
    nextOffset: number,
    counts: Conservation,
    finals: number,
    reasons: readonly DeadLetterReason[],
  ): void
}

/** The counts of all engines of a process. */
export interface ProcessMetrics extends EngineMetrics {
  /** Of committed records. */
  readonly totals: Conservation
}

export function createEngineMetrics(registry: Registry): ProcessMetrics {
  const registers = [registry]
  const records = new Counter({
    name: 'redwick_records_total',
    help: 'Committed records by what became of them',
    labelNames: ['result'],
    registers,
  })
  const letters = new Counter({
    name: 'redwick_dead_letters_total',
    help: 'Committed dead letters by reason',
    labelNames: ['reason'],
    registers,
  })
  const finals = new Counter({ name: 'redwick_candles_total', help: 'Committed finals and corrections', registers })
  const offsets = new Gauge({
    name: 'redwick_committed_offset',
    help: 'Committed offset of each partition of ticks',
    labelNames: ['partition'],
    registers,
  })
  const totals: Conservation = { in: 0, used: 0, late: 0, duplicate: 0, rejected: 0, held: 0, control: 0 }
  const results = ['in', 'used', 'late', 'duplicate', 'rejected', 'held', 'control'] as const
  for (const result of results) records.inc({ result }, 0)
  const alarms = new Counter({
    name: 'redwick_alarms_total',
    help: 'Things an operator must see',
    labelNames: ['name'],
    registers,
  })
  const partitionsPaused = new Gauge({
    name: 'redwick_partitions_paused',
    help: 'Partitions that stand still because a step throws',
    registers,
  })
  const recoveries = new Counter({
    name: 'redwick_recoveries_total',
    help: 'Failed checkpoints after which state was taken over again',
    registers,
  })
  const checkpointSeconds = new Histogram({
    name: 'redwick_checkpoint_seconds',
    help: 'Duration of a commit in the store',
    registers,
  })
  return {
    alarm: (name) => alarms.inc({ name }),
    paused: (change) => partitionsPaused.inc(change),
    recovered: () => recoveries.inc(),
    checkpointTook: (seconds) => checkpointSeconds.observe(seconds),
    totals,
    committed(partition, nextOffset, counts, finalCount, reasons) {
      for (const result of results) {
        records.inc({ result }, counts[result])
        totals[result] += counts[result]
      }
      finals.inc(finalCount)
      offsets.set({ partition: String(partition) }, nextOffset)
      for (const reason of reasons) letters.inc({ reason })
    },
  }
}
