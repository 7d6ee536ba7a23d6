import { messageOf, RedwickError } from '../../schemas/errors.ts'
import type { Barrier, PartitionContext } from '../core/stream-element.ts'
import type { Flag, StreamRecord } from '../core/stream-record.ts'
import { type Aside, type Step, type StepDescription, step } from './step.ts'

/** A step on records: values of `T` flagged `F` come in, values of `U` flagged `G` go out. */
export type RecordStep<T, F extends Flag, U, G extends Flag> = Step<StreamRecord<T, F>, StreamRecord<U, G>>

/** Puts a record out. */
export type Emit<U, G extends Flag> = (record: StreamRecord<U, G>) => void

/** One partition's instance of a step on records. */
export interface RecordStepInstance<T, F extends Flag, U, G extends Flag> {
  /** Calls the functions of the user before it changes its state: one that throws leaves everything as it was. */
  record(record: StreamRecord<T, F>, emit: Emit<U, G>, aside: Aside): void
  /** Told before the element goes on, as are the next two; a function of the user is called by `attempt` in them. */
  watermark?(watermark: number, emit: Emit<U, G>, aside: Aside): void
  pulse?(emit: Emit<U, G>, now: number, aside: Aside): void
  barrier?(barrier: Barrier, emit: Emit<U, G>): void
}

/**
 * Makes an operator of a step on records, in which a function of the user may throw.
 *
 * What such a function throws while a record is processed refuses the record (`rejected`, by the step's id, or by the
 * operator's name where it has none): nothing of it goes on, and the next records do. Errors of our own go on up.
 */
export function recordStep<T, F extends Flag, U, G extends Flag>(
  description: StepDescription,
  open: (context: PartitionContext) => RecordStepInstance<T, F, U, G>,
): RecordStep<T, F, U, G> {
  const stepId = description.id ?? description.operator
  return step(description, (context) => {
    const instance = open(context)
    /** What a record brought about, until its functions have returned. */
    let held: (() => void)[] = []
    return {
      rows(record, emit, aside) {
        try {
          instance.record(
            record,
            (out) => held.push(() => emit(out)),
            (name, out) => held.push(() => aside(name, out)),
          )
        } catch (error) {
          held = []
          if (error instanceof RedwickError) throw error
          const { offset, key } = record
          context.effects.refuse({ offset, key, stepId, result: 'rejected', detail: messageOf(error) })
          return
        }
        const released = held
        held = []
        for (const release of released) release()
      },
      watermark: (watermark, emit, aside) => instance.watermark?.(watermark, emit, aside),
      pulse: (emit, now, aside) => instance.pulse?.(emit, now, aside),
      barrier: (barrier, emit) => instance.barrier?.(barrier, emit),
    }
  })
}
