import { type ByteWriter, createByteWriter } from '../../processors/core/byte-buffer.ts'
import type { Barrier, StreamElement } from '../../processors/core/stream-element.ts'
import type { Flag, StreamRecord, Windowed, WindowFlag } from '../../processors/core/stream-record.ts'

type Element<Kind extends StreamElement<never>['kind']> = Extract<StreamElement<never>, { kind: Kind }>

/** An element that carries a record. */
export interface RecordElement<T, F extends Flag = 'event'> {
  readonly kind: 'rows'
  readonly rows: StreamRecord<T, F>
}

/**
 * The offset of a record that was built without one: given to an operator it becomes the record's place among all that
 * were given, from 0; expected of one it stands for any.
 */
export const anyOffset = -1

/** An event of a key at an event time, epoch ms. */
export function record<T>(key: string, eventTime: number, value: T, offset = anyOffset): RecordElement<T> {
  return { kind: 'rows', rows: { flag: 'event', key, value, eventTime, offset } }
}

/** What is said of the window `[start, end)` of a key; its event time is the window's last instant. */
export function said<T, F extends WindowFlag>(
  flag: F,
  key: string,
  [start, end]: readonly [start: number, end: number],
  value: T,
  revision = 1,
): RecordElement<Windowed<T>, F> {
  const rows = { flag, key, value: { start, end, value, revision }, eventTime: end - 1, offset: anyOffset }
  return { kind: 'rows', rows }
}

/** The same element from the source's record at `offset`. */
export function at<T, F extends Flag>(offset: number, { rows }: RecordElement<T, F>): RecordElement<T, F> {
  return { kind: 'rows', rows: { ...rows, offset } }
}

/** Every event up to this time, epoch ms, has come. */
export function watermark(time: number): Element<'watermark'> {
  return { kind: 'watermark', watermark: time }
}

/** The emission cadence, at a wall clock of epoch ms. */
export function pulse(now: number): Element<'pulse'> {
  return { kind: 'pulse', now }
}

/** A record on its way to the side output of this name. */
export function side<T>(name: string, { rows }: RecordElement<T, Flag>): Element<'side'> {
  return { kind: 'side', name, record: rows }
}

/** A checkpoint that keeps what the steps wrote at it: open a new instance from it, see `restored`. */
export interface TestBarrier extends Element<'barrier'> {
  /** Bytes by the id of the step. */
  images(): ReadonlyMap<string, Uint8Array>
}

/** A checkpoint: of every key, or only of those changed since the one before. */
export function barrier({ full = true }: { readonly full?: boolean } = {}): TestBarrier {
  const writers = new Map<string, ByteWriter>()
  const checkpoint: Barrier = {
    full,
    state(stepId) {
      const writer = writers.get(stepId) ?? createByteWriter()
      writers.set(stepId, writer)
      return writer
    },
  }
  return {
    kind: 'barrier',
    barrier: checkpoint,
    images: () => new Map([...writers].map(([stepId, writer]) => [stepId, writer.finish()])),
  }
}
