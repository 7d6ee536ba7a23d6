import type { OperatorFunction } from 'rxjs'
import type { WatermarkPolicy } from '../processors/core/stream-element.ts'
import { admit } from '../processors/operators/admit.ts'
import { type Duration, durationMs } from '../processors/operators/duration.ts'
import { exitCodes, FatalError, invariant } from '../schemas/errors.ts'
import { checkCandleTimes, type SinkDescription, type Topology } from './candle-topology.ts'
import { buildStages } from './records/build.ts'
import { checkSteps } from './records/checks.ts'
import type { RecordTopology } from './records/declaration.ts'
import type { RecordSink } from './records/sinks.ts'
import type { AnySource, Declared, Source } from './sources.ts'
import { describeStep } from './steps.ts'
import type { Stream } from './stream.ts'

export interface TopologyOptions<Rows> {
  readonly source: Source<Rows>
  /** All streams that come together bring their time with them; only `idleAfter` counts there. */
  readonly watermark: {
    readonly outOfOrderness: Duration
    readonly idleAfter: Duration
    readonly futureBound: Duration
  }
}

const namePattern = /^[a-z0-9][a-z0-9-]{0,62}$/

function isSource(source: Source<unknown>): source is AnySource {
  return 'kind' in source
}

function candleTopology(declared: Declared<unknown>, sinks: readonly SinkDescription[]): Topology {
  const { name, source, watermark } = declared
  invariant(source.kind === 'ticks', 'candles are made of ticks')
  checkSteps(declared.operators.map(describeStep))
  const operators: readonly OperatorFunction<never, unknown>[] = [admit(), ...declared.operators]
  const steps = operators.map(describeStep)
  checkCandleTimes(steps, watermark)
  return {
    kind: 'candles',
    ...{ name, source, watermark, steps, sinks },
    pipeline: (input) => operators.reduce<never>((stream, operator) => operator(stream) as never, input as never),
  }
}

function isRecordSink(sink: SinkDescription | RecordSink<never>): sink is RecordSink<never> {
  return 'name' in sink
}

function end(declared: Declared<unknown>, sinks: readonly (SinkDescription | RecordSink<never>)[]) {
  const recordSinks = sinks.filter(isRecordSink)
  if (recordSinks.length === 0 && sinks.length > 0) return candleTopology(declared, sinks as readonly SinkDescription[])
  return { kind: 'records', name: declared.name, stages: buildStages(declared, recordSinks) } satisfies RecordTopology
}

/**
 * Declares a topology: nothing runs until an engine takes the value.
 *
 * @param name Lower case: it names checkpoints, internal topics and groups.
 * @throws {InvariantViolation} When steps share an id, or their times do not fit together.
 * @throws {FatalError} `BAD_NAME`, `BAD_DURATION`.
 */
export function topology<Rows>(name: string, options: TopologyOptions<Rows>): Stream<Rows> {
  if (!namePattern.test(name))
    throw new FatalError({
      code: 'BAD_NAME',
      message: `a topology's name is lower-case letters, digits and '-', was '${name}'`,
      exitCode: exitCodes.config,
    })
  const { source } = options
  invariant(isSource(source), 'a source is made by topic or coPartition')
  const watermark: WatermarkPolicy = {
    outOfOrdernessMs: durationMs(options.watermark.outOfOrderness),
    idleAfterMs: durationMs(options.watermark.idleAfter),
    futureBoundMs: durationMs(options.watermark.futureBound),
  }
  const stream = (operators: Declared<unknown>['operators']): unknown => {
    const declared: Declared<unknown> = { name, source, watermark, operators }
    return {
      declared,
      pipe: (...more: Declared<unknown>['operators']) => stream([...operators, ...more]),
      to: (...sinks: readonly (SinkDescription | RecordSink<never>)[]) => end(declared, sinks),
    }
  }
  // `pipe` and `to` hold what their types say: the types of the operators fit each other.
  return stream([]) as Stream<Rows>
}
