import { Observable, type OperatorFunction } from 'rxjs'
import type { PartitionContext, StreamElement } from '../core/stream-element.ts'

/** What a step tells of itself before it runs. */
export interface StepDescription {
  /** Name of the operator. */
  readonly operator: string
  /** Stable name of its state; undefined for a stateless step. */
  readonly id?: string
  readonly options: Readonly<Record<string, string | number | boolean | readonly string[]>>
}

/** An RxJS operator that can describe itself. */
export type Step<In, Out> = OperatorFunction<StreamElement<In>, StreamElement<Out>> & { readonly step: StepDescription }

/** One partition's instance of a step: push in, effects out. */
export interface StepInstance<In, Out> {
  rows(rows: In, emit: (rows: Out) => void): void
  pulse?(emit: (rows: Out) => void): void
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
      const apply = (element: StreamElement<In>): void => {
        if (element.kind === 'open') instance = open(element.context)
        else if (element.kind === 'rows') {
          instance?.rows(element.rows, emit)
          return
        } else if (element.kind === 'pulse') instance?.pulse?.(emit)
        else instance?.barrier?.(element.barrier, emit)
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
