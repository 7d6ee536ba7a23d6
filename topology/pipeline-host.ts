import { type OperatorFunction, Subject } from 'rxjs'
import { type ByteReader, type ByteWriter, createByteWriter } from '../processors/core/byte-buffer.ts'
import type { PartitionContext, StreamElement } from '../processors/core/stream-element.ts'
import { FatalError, invariant, messageOf } from '../schemas/errors.ts'
import { packSections, unpackStates } from './packed-state.ts'

/** A full image of the state replaces the changes after this many commits, or this many bytes of changes. */
export const fullImageEvery = { commits: 64, bytes: 64 * 1024 * 1024 } as const

/** The pipeline of one partition: elements go in, and its state comes out at a checkpoint. */
export interface PipelineHost<In> {
  /** @throws What a step threw, now or before: the pipeline is of no use then. */
  push(element: StreamElement<In>): void
  /** Sends a barrier through; a full image now and then, changes in between. */
  checkpoint(): { readonly state: Uint8Array; readonly stateFull: boolean }
  /** Sends a barrier through; the changes since the last one. */
  changes(): Uint8Array
  /** Sends a barrier through; what it writes of the state is thrown away. */
  flush(): void
}

export interface PipelineHostOptions<In, Out> {
  readonly pipeline: OperatorFunction<StreamElement<In>, StreamElement<Out>>
  readonly context: Omit<PartitionContext, 'restored'>
  /** Packed states of earlier checkpoints: a full image, then changes, in order. */
  readonly states: readonly Uint8Array[]
  onElement(element: StreamElement<Out>): void
}

export function createPipelineHost<In, Out>(options: PipelineHostOptions<In, Out>): PipelineHost<In> {
  const { pipeline, context, states, onElement } = options
  let commitsSinceImage = states.length
  let bytesSinceImage = states.reduce((sum, state) => sum + state.length, 0)
  // Let go of when the steps have read it: unpacked, it may be larger than the state that it makes.
  let unread: ReturnType<typeof unpackStates> | undefined = states.flatMap((packed) => unpackStates(packed, context))
  const input = new Subject<StreamElement<In>>()
  let failure: Error | undefined
  const fail = (error: unknown): void => {
    failure = error instanceof Error ? error : new FatalError({ code: 'PIPELINE', message: messageOf(error) })
  }
  input.pipe(pipeline).subscribe({
    next(element) {
      // RxJS would throw it from a timer, after the element had counted as processed.
      try {
        onElement(element)
      } catch (error) {
        fail(error)
      }
    },
    error: fail,
  })
  const throwFailure = (): void => {
    if (failure !== undefined) throw failure
  }
  const push = (element: StreamElement<In>): void => {
    throwFailure()
    input.next(element)
    throwFailure()
  }
  push({
    kind: 'open',
    context: {
      ...context,
      restored(stepId) {
        invariant(unread !== undefined, () => `${stepId} reads its state when the pipeline opens`)
        return unread.flatMap((sections): ByteReader[] => {
          const reader = sections.get(stepId)
          return reader === undefined ? [] : [reader]
        })
      },
    },
  })
  unread = undefined

  const writeState = (isFull: boolean): ReadonlyMap<string, ByteWriter> => {
    const sections = new Map<string, ByteWriter>()
    const state = (stepId: string): ByteWriter => {
      const writer = sections.get(stepId) ?? createByteWriter()
      sections.set(stepId, writer)
      return writer
    }
    push({ kind: 'barrier', barrier: { full: isFull, state } })
    return sections
  }
  const packState = (isFull: boolean): Uint8Array => packSections(writeState(isFull))

  return {
    push,
    changes: () => packState(false),
    flush: () => void writeState(false),
    checkpoint() {
      const stateFull =
        commitsSinceImage === 0 || commitsSinceImage >= fullImageEvery.commits || bytesSinceImage > fullImageEvery.bytes
      const state = packState(stateFull)
      commitsSinceImage = stateFull ? 1 : commitsSinceImage + 1
      bytesSinceImage = stateFull ? 0 : bytesSinceImage + state.length
      return { state, stateFull }
    },
  }
}
