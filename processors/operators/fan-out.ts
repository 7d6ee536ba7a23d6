import { Observable, type OperatorFunction, Subject, Subscription } from 'rxjs'
import { messageOf, RedwickError } from '../../schemas/errors.ts'
import type { Effects } from '../core/effects.ts'
import type { Flow } from '../core/stream-element.ts'
import type { Flag, StreamRecord } from '../core/stream-record.ts'
import type { RecordStep } from './record-step.ts'
import { type StepDescription, stepOf } from './step.ts'

/** An operator on a flow that gives what it has to say of an element before the call returns. */
export type FlowOperator<T, F extends Flag, U, G extends Flag> = OperatorFunction<Flow<T, F>, Flow<U, G>>

/**
 * Sends records through some of several operators and merges what they give.
 *
 * What is no record passes each of them and comes out once, after all that they gave for it. A side output's record comes
 * from before them and passes by. An operator that gives its output later (a timer, a promise) breaks that order.
 *
 * @param choose The operators of a record, by number; what it throws refuses the record.
 */
export function fanOut<T, F extends Flag, U, G extends Flag>(
  { operator, options }: StepDescription,
  operators: readonly FlowOperator<T, F, U, G>[],
  choose: (record: StreamRecord<T, F>) => readonly number[],
): RecordStep<T, F, U, G> {
  const inner = operators.map(stepOf).filter((found) => found !== undefined)
  const fan: FlowOperator<T, F, U, G> = (source) =>
    new Observable((subscriber) => {
      let effects: Effects | undefined
      const inputs = operators.map(() => new Subject<Flow<T, F>>())
      const subscription = new Subscription()
      for (const [i, through] of operators.entries()) {
        const branch = inputs[i]?.pipe(through).subscribe({
          next(element) {
            if (element.kind === 'rows' || element.kind === 'side') subscriber.next(element)
          },
          error: (error: unknown) => subscriber.error(error),
        })
        subscription.add(branch)
      }
      const chosen = (record: StreamRecord<T, F>): readonly number[] => {
        try {
          return choose(record)
        } catch (error) {
          if (error instanceof RedwickError) throw error
          const { offset, key } = record
          effects?.refuse({ offset, key, stepId: operator, result: 'rejected', detail: messageOf(error) })
          return []
        }
      }
      const apply = (element: Flow<T, F>): void => {
        if (element.kind === 'open') effects = element.context.effects
        if (element.kind === 'rows') {
          for (const i of chosen(element.rows)) inputs[i]?.next(element)
          return
        }
        if (element.kind !== 'side') for (const input of inputs) input.next(element)
        subscriber.next(element)
      }
      subscription.add(
        source.subscribe({
          next(element) {
            try {
              apply(element)
            } catch (error) {
              subscriber.error(error)
            }
          },
          error: (error: unknown) => subscriber.error(error),
          complete: () => {
            for (const input of inputs) input.complete()
            subscriber.complete()
          },
        }),
      )
      return subscription
    })
  return Object.assign(fan, { step: { operator, options, inner } })
}
