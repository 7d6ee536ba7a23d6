import { invariant } from '../../schemas/errors.ts'
import type { Codec } from '../core/codec.ts'
import { createIntervalJoin, type JoinSide, joinWaitingMax } from '../core/interval-join.ts'
import { type From, isFrom } from '../core/tagged.ts'
import { attempt } from './attempt.ts'
import { type Duration, durationMs } from './duration.ts'
import { type RecordStep, recordStep } from './record-step.ts'

interface JoinWindowedShape<Left extends string, L, Right extends string, R> {
  /** Names of the two inputs. */
  readonly left: Left
  readonly right: Right
  /** A left record at `t` meets the right ones of its key in `[t - before, t + after]`, both ends included. */
  readonly before: Duration
  readonly after: Duration
  /** How far behind the watermark a record may still come; default 0. */
  readonly allowedLateness?: Duration
  readonly codecs: { readonly left: Codec<L>; readonly right: Codec<R> }
}

export interface InnerJoinOptions<Left extends string, L, Right extends string, R, V>
  extends JoinWindowedShape<Left, L, Right, R> {
  readonly kind?: 'inner'
  /** What comes of a pair; undefined for nothing. */
  select(left: L, right: R): V | undefined
}

export interface LeftJoinOptions<Left extends string, L, Right extends string, R, V>
  extends JoinWindowedShape<Left, L, Right, R> {
  /** A left record that meets no right one comes out too, alone. */
  readonly kind: 'left'
  select(left: L, right: R | undefined): V | undefined
}

/**
 * Joins the records of two streams that have the same key and lie close in event time.
 *
 * Each pair comes out once, as soon as both are there, with the later of their event times. A record is late, and is
 * refused, when the watermark has reached its event time + `allowedLateness`; all others meet, in whatever order they
 * came. A record waits until the watermark says that no partner can come any more. With `kind: 'left'`, a left record
 * that met nobody comes out then, once and for good: at its event time + `after` + `allowedLateness`, which is late
 * nowhere below. A pair that was completed within the lateness may lie behind the watermark: steps below need a lateness
 * too.
 *
 * What `select` throws refuses the record that completed the pair: none of its pairs come out, and it meets nobody
 * later.
 *
 * ```
 * given   -l---r--m---w--------     l: left at 10    r: right at 12    m: left at 20    w: watermark 25
 * joinWindowed('near', { left: 'bids', right: 'asks', before: 5, after: 5, kind: 'left', ... })
 * gives   -----P------(Mw)-----     P: l and r at 12    M: m alone at 25
 * ```
 *
 * @param id Stable name of its state: the records that wait, at most `joinWaitingMax` of a side and key; more are
 * refused.
 * @throws {FatalError} `BAD_DURATION`.
 */
export function joinWindowed<Left extends string, L, Right extends string, R, V>(
  id: string,
  options: InnerJoinOptions<Left, L, Right, R, V> | LeftJoinOptions<Left, L, Right, R, V>,
): RecordStep<From<Left, L> | From<Right, R>, 'event', V, 'event'> {
  const { codecs, kind = 'inner' } = options
  const { left, right }: { readonly left: string; readonly right: string } = options
  const beforeMs = durationMs(options.before)
  const afterMs = durationMs(options.after)
  const allowedLatenessMs = durationMs(options.allowedLateness ?? 0)
  invariant(left !== right, () => `the two inputs of a join have names of their own, were ${left} and ${right}`)
  const description = {
    operator: 'joinWindowed',
    id,
    options: { left, right, beforeMs, afterMs, allowedLatenessMs, kind },
  }
  const select: (l: L, r: R) => V | undefined = options.select
  const alone = options.kind === 'left' ? options.select : () => undefined

  return recordStep(description, ({ effects, restored }) => {
    const join = createIntervalJoin({ beforeMs, afterMs, allowedLatenessMs, codecs })
    for (const reader of restored(id)) join.read(reader)
    return {
      record({ key, eventTime, offset, value: tagged }, emit) {
        const refuse = (result: 'late' | 'rejected', detail: string): void =>
          effects.refuse({ offset, key, stepId: id, result, detail })
        const meet = <Own, Other>(
          own: JoinSide<Own, Other>,
          value: Own,
          pair: (other: Other) => V | undefined,
        ): void => {
          if (own.isFull(key)) {
            refuse('rejected', `a key has at most ${joinWaitingMax} records waiting on a side of a join`)
            return
          }
          const partners = own.partnersOf(key, eventTime)
          for (const partner of partners) {
            const selected = pair(partner.value)
            const pairTime = Math.max(eventTime, partner.eventTime)
            if (selected !== undefined) emit({ flag: 'event', key, value: selected, eventTime: pairTime, offset })
          }
          own.add({ key, eventTime, offset, value }, partners)
        }
        if (join.isLate(eventTime)) {
          refuse('late', `event time ${eventTime} is ${join.watermark - eventTime} ms behind the watermark`)
          return
        }
        if (isFrom<Left, L>(tagged, options.left)) meet(join.left, tagged.value, (other) => select(tagged.value, other))
        else if (isFrom<Right, R>(tagged, options.right))
          meet(join.right, tagged.value, (other) => select(other, tagged.value))
        else invariant(false, () => `a record of this join is from ${left} or ${right}`)
      },
      watermark(to, emit) {
        for (const { key, eventTime, offset, value } of join.advance(to)) {
          const out: V[] = []
          attempt(effects, { offset, key, stepId: id }, () => {
            const selected = alone(value, undefined)
            if (selected !== undefined) out.push(selected)
          })
          const knownAt = eventTime + afterMs + allowedLatenessMs
          for (const selected of out) emit({ flag: 'event', key, value: selected, eventTime: knownAt, offset })
        }
      },
      barrier: (barrier) => join.write(barrier.state(id), barrier.full),
    }
  })
}
