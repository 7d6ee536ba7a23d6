import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { Conservation } from '../processors/core/effects.ts'
import type { DeadLetterReason } from '../schemas/dead-letter.ts'

/** What an engine counts; totals are of committed records. */
export interface EngineMetrics {
  readonly alarms: Counter<'name'>
  readonly recoveries: Counter
  alarm(name: string): void
  /** So many partitions more (or fewer) stand still because a step throws. */
  paused(change: number): void
  readonly checkpointSeconds: Histogram
  readonly totals: Conservation
  committed(
    partition: number,
    nextOffset: number,
    counts: Conservation,
    finals: number,
    reasons: readonly DeadLetterReason[],
  ): void
}

export function createEngineMetrics(registry: Registry): EngineMetrics {
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
  return {
    alarms,
    alarm: (name) => alarms.inc({ name }),
    paused: (change) => partitionsPaused.inc(change),
    recoveries: new Counter({
      name: 'redwick_recoveries_total',
      help: 'Failed checkpoints after which state was taken over again',
      registers,
    }),
    checkpointSeconds: new Histogram({
      name: 'redwick_checkpoint_seconds',
      help: 'Duration of a commit in the store',
      registers,
    }),
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
