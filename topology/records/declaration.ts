import type { OperatorFunction } from 'rxjs'
import type { WatermarkPolicy } from '../../processors/core/stream-element.ts'
import type { StepDescription } from '../../processors/operators/step.ts'
import type { RecordSink } from './sinks.ts'

/** How values cross an internal topic. */
export interface Crossing {
  pack(value: unknown): Uint8Array
  unpack(payload: Uint8Array): unknown
}

/** Where a stage writes when another stage of the topology goes on. */
export interface InternalEnd {
  readonly kind: 'internal'
  /** Without the platform's prefix. */
  readonly topic: string
  /** Which of the topic's inputs this stage is. */
  readonly input: number
  readonly key: (value: unknown) => unknown
  readonly crossing: Crossing
}

export interface SinksEnd {
  readonly kind: 'sinks'
  readonly sinks: readonly RecordSink<never>[]
}

/** Where a stage reads. */
export type StageSource =
  | { readonly kind: 'ticks'; readonly topic: string }
  | {
      readonly kind: 'records'
      readonly topic: string
      readonly schema: object
      readonly key: string
      readonly eventTime: string
    }
  | {
      readonly kind: 'internal'
      readonly topic: string
      /** Stages that write to it, in the order of its inputs. */
      readonly inputs: readonly string[]
      /** Partitions; as many as the inputs' sources where it is left out. */
      readonly partitions?: number
      unpack(input: number, payload: Uint8Array): unknown
    }

/** One run from a topic to sinks or to an internal topic: what an engine runs. */
export interface StageDeclaration {
  /** Names its checkpoints. */
  readonly name: string
  readonly source: StageSource
  readonly watermark: WatermarkPolicy
  readonly steps: readonly StepDescription[]
  /** Behind the door. */
  readonly operators: readonly OperatorFunction<never, unknown>[]
  readonly end: InternalEnd | SinksEnd
}

/** A topology of records: stages, joined by internal topics; upstream before downstream. */
export interface RecordTopology {
  readonly kind: 'records'
  readonly name: string
  readonly stages: readonly StageDeclaration[]
}
