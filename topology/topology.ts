import type { OperatorFunction } from 'rxjs'
import type { StreamElement, WatermarkPolicy } from '../processors/core/stream-element.ts'
import { admit } from '../processors/operators/admit.ts'
import { type Duration, durationMs } from '../processors/operators/duration.ts'
import type { StepDescription } from '../processors/operators/step.ts'
import type { CandleColumns } from '../schemas/candle-columns.ts'
import type { ColumnBatch } from '../schemas/columns.ts'
import { invariant } from '../schemas/errors.ts'

/** A topic as a source: how its records are keyed and where their time is. */
export interface TopicSource {
  readonly topic: string
  readonly schema: string
  readonly key: string
  readonly eventTime: string
}

/** A topic of Avro records. */
export function topic(
  name: string,
  options: { readonly schema: { readonly name: string }; readonly key: string; readonly eventTime: string },
): TopicSource {
  return { topic: name, schema: options.schema.name, key: options.key, eventTime: options.eventTime }
}

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

/** A declared stream computation: a plain value until an engine runs it. */
export interface Topology {
  readonly name: string
  readonly source: TopicSource
  readonly watermark: WatermarkPolicy
  readonly steps: readonly StepDescription[]
  readonly sinks: readonly SinkDescription[]
  /** The pipeline of one partition. */
  readonly pipeline: OperatorFunction<StreamElement<ColumnBatch>, StreamElement<CandleColumns>>
}

export interface TopologyOptions {
  readonly source: TopicSource
  readonly watermark: {
    readonly outOfOrderness: Duration
    readonly idleAfter: Duration
    readonly futureBound: Duration
  }
}

type Pipe<In, Out> = OperatorFunction<StreamElement<In>, StreamElement<Out>>

interface Ended {
  to(...sinks: readonly SinkDescription[]): Topology
}

interface Started {
  pipe(last: Pipe<ColumnBatch, CandleColumns>): Ended
  pipe<A>(first: Pipe<ColumnBatch, A>, last: Pipe<A, CandleColumns>): Ended
  pipe<A, B>(first: Pipe<ColumnBatch, A>, second: Pipe<A, B>, last: Pipe<B, CandleColumns>): Ended
  pipe<A, B, C>(first: Pipe<ColumnBatch, A>, second: Pipe<A, B>, third: Pipe<B, C>, last: Pipe<C, CandleColumns>): Ended
}

function describeStep(operator: unknown, position: number): StepDescription {
  const described: unknown = typeof operator === 'function' && 'step' in operator ? operator.step : undefined
  return isStepDescription(described) ? described : { operator: `rxjs operator ${position}`, options: {} }
}

function isStepDescription(value: unknown): value is StepDescription {
  return typeof value === 'object' && value !== null && 'operator' in value && 'options' in value
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

/** The rules that bind steps to each other; broken ones are our user's mistake, told before anything runs. */
function checkSteps(steps: readonly StepDescription[], watermark: WatermarkPolicy, baseMs: number): void {
  const ids = steps.flatMap((one) => (one.id === undefined ? [] : [one.id]))
  invariant(new Set(ids).size === ids.length, `every stateful step has an id of its own, was ${ids.join(', ')}`)
  const lateness = numberOption(steps, 'toCandles', 'allowedLatenessMs')
  if (lateness === undefined) return
  invariant(
    watermark.futureBoundMs <= lateness,
    `the future bound (${watermark.futureBoundMs} ms) is at most the allowed lateness (${lateness} ms)`,
  )
  const horizon = numberOption(steps, 'deduplicate', 'withinMs')
  const needed = baseMs + lateness + watermark.outOfOrdernessMs
  invariant(
    horizon === undefined || horizon >= needed,
    `deduplication remembers at least window + lateness + out-of-orderness (${needed} ms), was ${horizon} ms`,
  )
}

/**
 * Declares a topology: nothing runs until an engine takes the value.
 *
 * @throws {InvariantViolation} When steps share an id, or their times do not fit together.
 * @throws {FatalError} `BAD_DURATION`.
 */
export function topology(name: string, options: TopologyOptions): Started {
  const watermark: WatermarkPolicy = {
    outOfOrdernessMs: durationMs(options.watermark.outOfOrderness),
    idleAfterMs: durationMs(options.watermark.idleAfter),
    futureBoundMs: durationMs(options.watermark.futureBound),
  }
  const build = (operators: readonly unknown[], compose: Topology['pipeline']): Ended => {
    const steps = operators.map(describeStep)
    checkSteps(steps, watermark, numberOption(steps, 'toCandles', 'baseMs') ?? 0)
    return { to: (...sinks) => ({ name, source: options.source, watermark, steps, sinks, pipeline: compose }) }
  }
  const pipe = (...operators: readonly Pipe<never, never>[]): Ended => {
    const all = [admit(), ...operators]
    return build(all, (source) =>
      all.reduce<never>((stream, operator) => operator(stream as never) as never, source as never),
    )
  }
  return { pipe: pipe as Started['pipe'] }
}
