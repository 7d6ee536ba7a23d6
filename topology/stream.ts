import type { OperatorFunction } from 'rxjs'
import type { StreamElement } from '../processors/core/stream-element.ts'
import type { StreamRecord } from '../processors/core/stream-record.ts'
import type { CandleColumns } from '../schemas/candle-columns.ts'
import type { SinkDescription, Topology } from './candle-topology.ts'
import type { RecordTopology } from './records/declaration.ts'
import type { RecordSink } from './records/sinks.ts'
import type { Declared } from './sources.ts'

/** An operator on the elements of a stream: ours, or any of RxJS. */
export type Operator<In, Out> = OperatorFunction<StreamElement<In>, StreamElement<Out>>

/** How a stream ends: by what it carries. */
type End<Rows> = Rows extends CandleColumns
  ? (...sinks: readonly SinkDescription[]) => Topology
  : Rows extends StreamRecord<infer T, infer F>
    ? (...sinks: readonly (RecordSink<T, F> | RecordSink<never>)[]) => RecordTopology
    : never

/** A stream under declaration: a plain value. @typeParam Rows What flows at its end. */
export interface Stream<Rows> {
  readonly declared: Declared<Rows>
  pipe(): Stream<Rows>
  pipe<A>(a: Operator<Rows, A>): Stream<A>
  pipe<A, B>(a: Operator<Rows, A>, b: Operator<A, B>): Stream<B>
  pipe<A, B, C>(a: Operator<Rows, A>, b: Operator<A, B>, c: Operator<B, C>): Stream<C>
  pipe<A, B, C, D>(a: Operator<Rows, A>, b: Operator<A, B>, c: Operator<B, C>, d: Operator<C, D>): Stream<D>
  pipe<A, B, C, D, E>(
    a: Operator<Rows, A>,
    b: Operator<A, B>,
    c: Operator<B, C>,
    d: Operator<C, D>,
    e: Operator<D, E>,
  ): Stream<E>
  pipe<A, B, C, D, E, F>(
    a: Operator<Rows, A>,
    b: Operator<A, B>,
    c: Operator<B, C>,
    d: Operator<C, D>,
    e: Operator<D, E>,
    f: Operator<E, F>,
  ): Stream<F>
  /** Ends the stream: what it carries says which sinks it takes. */
  readonly to: End<Rows>
}
