import { deepStrictEqual } from 'node:assert'
import { concat, filter, map, type ObservableNotification, type OperatorFunction, of } from 'rxjs'
import { TestScheduler } from 'rxjs/testing'
import type { Flow, StreamElement } from '../../processors/core/stream-element.ts'
import type { Flag } from '../../processors/core/stream-record.ts'
import { anyOffset } from './elements.ts'
import { createOffsets } from './offsets.ts'
import { createTestContext, type TestContextOptions, type TestEffects } from './test-context.ts'

type Elements<T, F extends Flag> = Readonly<Record<string, Flow<T, F>>>

/** What stands at one place of a diagram. */
interface Place {
  readonly frame: number
  readonly notification: ObservableNotification<StreamElement<unknown>>
}

export interface Given<U, G extends Flag> {
  /**
   * Checks the output against a diagram; control elements keep the letters that they were given with.
   *
   * @throws {AssertionError} When it is another.
   */
  gives(marbles: string, elements?: Elements<U, G>, error?: unknown): TestEffects
}

export interface FlowMarbles<T, F extends Flag, U, G extends Flag> {
  /** Each letter is an element, each dash an instant of arrival; event times are in the elements. */
  given(marbles: string, elements: Elements<T, F>): Given<U, G>
}

/**
 * An event-time marble test of an operator, on RxJS's TestScheduler: arrival order by dashes, event times in the values.
 *
 * `given` and `gives` are RxJS diagrams: `-` is an instant, `(ab)` are elements of one instant, `|` the end, `#` an error;
 * blanks are for aligning. A fresh instance is opened first, or one from the checkpoints in `restored`.
 */
export function flowMarbles<T, F extends Flag, U, G extends Flag>(
  operator: OperatorFunction<Flow<T, F>, Flow<U, G>>,
  options: TestContextOptions = {},
): FlowMarbles<T, F, U, G> {
  return {
    given: (marbles, elements) => ({
      gives(expected, outputs = {}, error) {
        const { context, effects } = createTestContext(options)
        const scheduler = new TestScheduler(compare)
        scheduler.run(({ cold, expectObservable }) => {
          const open: Flow<T, F> = { kind: 'open', context }
          const input = concat(of(open), cold(marbles, elements).pipe(map(createOffsets())))
          const output = operator(input).pipe(filter(({ kind }) => kind !== 'open'))
          expectObservable<StreamElement<unknown>>(output).toBe(
            expected,
            { ...controlsOf(elements), ...outputs },
            error,
          )
        })
        return effects
      },
    }),
  }
}

function controlsOf<T, F extends Flag>(elements: Elements<T, F>): Elements<never, never> {
  const controls: Record<string, Flow<never, never>> = {}
  for (const [letter, element] of Object.entries(elements)) if (element.kind !== 'rows') controls[letter] = element
  return controls
}

/** Offsets count only where the expected record has one. */
function compare(actual: readonly Place[], expected: readonly Place[]): void {
  const seen = actual.map((place, i) => {
    const wanted = expected[i]?.notification
    if (place.notification.kind !== 'N' || wanted?.kind !== 'N') return place
    return { ...place, notification: { ...place.notification, value: likened(place.notification.value, wanted.value) } }
  })
  deepStrictEqual(seen.map(legible), expected.map(legible))
}

function likened(element: StreamElement<unknown>, wanted: StreamElement<unknown>): StreamElement<unknown> {
  if (element.kind === 'rows' && wanted.kind === 'rows' && hasAnyOffset(wanted.rows) && isObject(element.rows))
    return { kind: 'rows', rows: { ...element.rows, offset: anyOffset } }
  if (element.kind === 'side' && wanted.kind === 'side' && hasAnyOffset(wanted.record))
    return { ...element, record: { ...element.record, offset: anyOffset } }
  return element
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function hasAnyOffset(value: unknown): boolean {
  return isObject(value) && 'offset' in value && value.offset === anyOffset
}

/** A place as a failed comparison shows it best. */
function legible({ frame, notification }: Place): unknown {
  if (notification.kind === 'C') return { frame, end: true }
  if (notification.kind === 'E') return { frame, error: String(notification.error) }
  const element = notification.value
  if (element.kind === 'rows') return { frame, record: element.rows }
  return { frame, ...element }
}
