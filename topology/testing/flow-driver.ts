import { type OperatorFunction, Subject } from 'rxjs'
import type { Flow } from '../../processors/core/stream-element.ts'
import type { Flag } from '../../processors/core/stream-record.ts'
import { barrier, type TestBarrier } from './elements.ts'
import { createOffsets } from './offsets.ts'
import { createTestContext, type TestContextOptions, type TestEffects } from './test-context.ts'

/** An operator that is pushed by hand: no scheduler, no broker. */
export interface FlowDriver<T, F extends Flag, U, G extends Flag> {
  /** @returns What came out, in order, without the `open` element. */
  push(...elements: readonly Flow<T, F>[]): readonly Flow<U, G>[]
  /**
   * Writes the state at a barrier and opens a new instance from it.
   *
   * @returns What came out at the barrier, without it.
   */
  restart(options?: { readonly full?: boolean }): readonly Flow<U, G>[]
  /** Opens a new instance from the last restart's state: what came since is forgotten. */
  crash(): void
  /** The state of every step, by id, in bytes. */
  state(): ReadonlyMap<string, Uint8Array>
  /** Of all instances so far. */
  readonly effects: readonly TestEffects[]
}

/**
 * Runs an operator on what is pushed into it.
 *
 * @throws What the operator gave as an error, at the push that brought it about.
 */
export function driveFlow<T, F extends Flag, U, G extends Flag>(
  operator: OperatorFunction<Flow<T, F>, Flow<U, G>>,
  options: TestContextOptions = {},
): FlowDriver<T, F, U, G> {
  const withOffset = createOffsets()
  const effects: TestEffects[] = []
  let restored = options.restored ?? []
  let source = new Subject<Flow<T, F>>()
  let out: Flow<U, G>[] = []
  const failures: unknown[] = []
  const open = (): void => {
    const made = createTestContext({ ...options, restored })
    effects.push(made.effects)
    source = new Subject()
    source.pipe(operator).subscribe({
      next: (element) => {
        if (element.kind !== 'open') out.push(element)
      },
      error: (error: unknown) => failures.push(error),
    })
    source.next({ kind: 'open', context: made.context })
  }
  const take = (): readonly Flow<U, G>[] => {
    const taken = out
    out = []
    if (failures.length > 0) throw failures[0]
    return taken
  }
  const write = (checkpoint: TestBarrier): readonly Flow<U, G>[] => {
    source.next(checkpoint)
    return take().filter(({ kind }) => kind !== 'barrier')
  }
  open()
  take()
  return {
    push(...elements) {
      for (const element of elements) source.next(withOffset(element))
      return take()
    },
    restart({ full = true } = {}) {
      const checkpoint = barrier({ full })
      const said = write(checkpoint)
      restored = full ? [checkpoint] : [...restored, checkpoint]
      open()
      take()
      return said
    },
    crash() {
      open()
      take()
    },
    state() {
      const checkpoint = barrier()
      write(checkpoint)
      return checkpoint.images()
    },
    effects,
  }
}
