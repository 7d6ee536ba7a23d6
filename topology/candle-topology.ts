import type { OperatorFunction } from 'rxjs'
import type { StreamElement, WatermarkPolicy } from '../processors/core/stream-element.ts'
import type { StepDescription } from '../processors/operators/step.ts'
import type { CandleColumns } from '../schemas/candle-columns.ts'
import type { ColumnBatch } from '../schemas/columns.ts'
import { invariant } from '../schemas/errors.ts'
import type { TickSource } from './sources.ts'

/** Where the end of a topology goes, and with which guarantee. */
export interface SinkDescription {
  readonly sink: 'candle-store' | 'candle-topic' | 'snapshot' | 'dead-letters'
  readonly guarantee: string
}

/** Final candles, in the transaction that holds offsets and state. */
export const candleStore = (): SinkDescription => ({ sink: 'candle-store', guarantee: 'exactly once' })
/** Every emission to `candles.live`; finals and corrections to `candles` after their commit. */
export const candleTopic = (): SinkDescription => ({
  sink: 'candle-topic',
  guarantee: 'finals and corrections at least once, idempotent by key and revision; updates may be conflated',
})
/** The newest state of every channel, for warm start and reads. */
export const snapshot = (): SinkDescription => ({
  sink: 'snapshot',
  guarantee: 'latest wins; rebuilt from store and log',
})
/** Refused records, in the same transaction. */
export const deadLetters = (): SinkDescription => ({ sink: 'dead-letters', guarantee: 'exactly once' })

/** A declared stream of candles: a plain value until an engine runs it. */
export interface Topology {
  readonly kind: 'candles'
  readonly name: string
  readonly source: TickSource
  readonly watermark: WatermarkPolicy
  readonly steps: readonly StepDescription[]
  readonly sinks: readonly SinkDescription[]
  /** The pipeline of one partition. */
  readonly pipeline: OperatorFunction<StreamElement<ColumnBatch>, StreamElement<CandleColumns>>
}

function numberOption(steps: readonly StepDescription[], operator: string, option: string): number | undefined {
  const value = steps.find((candidate) => candidate.operator === operator)?.options[option]
  return typeof value === 'number' ? value : undefined
}

const emitEveryMsDefault = 100

/** Least time between two updates of an open candle, as the topology says it. */
export function emitEveryMsOf({ steps }: Topology): number {
  return numberOption(steps, 'toCandles', 'emitEveryMs') ?? emitEveryMsDefault
}

/** Length of the windows that ticks go into, in seconds; 0 for a topology without candles. */
export function baseSecondsOf({ steps }: Pick<Topology, 'steps'>): number {
  return (numberOption(steps, 'toCandles', 'baseMs') ?? 0) / 1000
}

/**
 * The rules that bind the times of steps to each other; broken ones are our user's mistake, told before anything runs.
 *
 * @throws {InvariantViolation}
 */
export function checkCandleTimes(steps: readonly StepDescription[], watermark: WatermarkPolicy): void {
  const lateness = numberOption(steps, 'toCandles', 'allowedLatenessMs')
  if (lateness === undefined) return
  invariant(
    watermark.futureBoundMs <= lateness,
    () => `the future bound (${watermark.futureBoundMs} ms) is at most the allowed lateness (${lateness} ms)`,
  )
  const horizon = numberOption(steps, 'deduplicate', 'withinMs')
  const needed = (numberOption(steps, 'toCandles', 'baseMs') ?? 0) + lateness + watermark.outOfOrdernessMs
  invariant(
    horizon === undefined || horizon >= needed,
    () => `deduplication remembers at least window + lateness + out-of-orderness (${needed} ms), was ${horizon} ms`,
  )
}
