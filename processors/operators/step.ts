import { Observable, type OperatorFunction } from 'rxjs'
import type { PartitionContext, PulseLimit, StreamElement } from '../core/stream-element.ts'
import type { Flag, StreamRecord } from '../core/stream-record.ts'

/** What a step tells of itself before it runs. */
export interface StepDescription {
  /** Name of the operator. */
  readonly operator: string
  /** Stable name of its state; undefined for a stateless step. */
  readonly id?: string
  readonly options: Readonly<Record<string, string | number | boolean | readonly string[]>>
  /** Steps that it holds, of operators that can describe themselves. */
  readonly inner?: readonly StepDescription[]
}

/** An RxJS operator that can describe itself. */
export type Step<In, Out> = OperatorFunction<StreamElement<In>, StreamElement<Out>> & { readonly step: StepDescription }

export type Aside = (name: string, record: StreamRecord<unknown, Flag>) => void

/** One partition's instance of a step: push in, effects out. */
export interface StepInstance<In, Out> {
  /**
   * `aside` puts a record out for the side output of this name; `advance` a watermark, for a step whose rows bring their own.
   */
  rows(rows: In, emit: (rows: Out) => void, aside: Aside, advance: (watermark: number) => void): void
  /** Every event up to `watermark` has come; told before the element goes on. */
  watermark?(watermark: number, emit: (rows: Out) => void, aside: Aside): void
  pulse?(emit: (rows: Out) => void, now: number, aside: Aside, limit?: PulseLimit): void
  /** Emits what is due at a checkpoint, then writes the state. */
  barrier?(barrier: Extract<StreamElement<In>, { kind: 'barrier' }>['barrier'], emit: (rows: Out) => void): void
}

/** Makes an RxJS operator from a step: an instance for the partition that the `open` element names. */
export function step<In, Out>(
  description: StepDescription,
  open: (context: PartitionContext) => StepInstance<In, Out>,
): Step<In, Out> {
  const operator: OperatorFunction<StreamElement<In>, StreamElement<Out>> = (source) =>
    new Observable((subscriber) => {
      let instance: StepInstance<In, Out> | undefined
      const emit = (rows: Out): void => subscriber.next({ kind: 'rows', rows })
      const aside: Aside = (name, record) => subscriber.next({ kind: 'side', name, record })
      const advance = (watermark: number): void => subscriber.next({ kind: 'watermark', watermark })
      const apply = (element: StreamElement<In>): void => {
        if (element.kind === 'open') instance = open(element.context)
        else if (element.kind === 'rows') {
          instance?.rows(element.rows, emit, aside, advance)
          return
        } else if (element.kind === 'pulse') instance?.pulse?.(emit, element.now, aside, element.limit)
        else if (element.kind === 'watermark') instance?.watermark?.(element.watermark, emit, aside)
        else if (element.kind === 'barrier') instance?.barrier?.(element.barrier, emit)
        subscriber.next(element)
      }
      return source.subscribe({
        next(element) {
          try {
            apply(element)
          } catch (error) {
            // Thrown on, it would come up from a timer, after the batch had counted as processed.
            subscriber.error(error)
          }
        },
        error: (error: unknown) => subscriber.error(error),
        complete: () => subscriber.complete(),
      })
    })
  return Object.assign(operator, { step: description })
}

/** What an operator says of itself; undefined for one that does not, e.g. RxJS's own. */
export function stepOf(operator: unknown): StepDescription | undefined {
  const described: unknown = typeof operator === 'function' && 'step' in operator ? operator.step : undefined
  return isStepDescription(described) ? described : undefined
}

function isStepDescription(value: unknown): value is StepDescription {
  return typeof value === 'object' && value !== null && 'operator' in value && 'options' in value
}
