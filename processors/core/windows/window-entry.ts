import type { ByteReader, ByteWriter } from '../byte-buffer.ts'
import type { Codec } from '../codec.ts'
import type { WindowFlag } from '../stream-record.ts'
import type { Window } from './span.ts'

/** What is said of a window. */
export interface WindowEmission<Acc> {
  readonly kind: WindowFlag
  readonly key: string
  readonly window: Window
  readonly value: Acc
  /** Events that changed the window so far; what a merge joined counts together. */
  readonly revision: number
}

/** A window of a key. */
export interface Entry<Acc> {
  readonly key: string
  readonly start: number
  end: number
  acc: Acc
  revision: number
  isFired: boolean
  /** A final of it was taken. */
  isPublished: boolean
  /** An update of it was taken. */
  isShown: boolean
  /** Changed since it was last drained. */
  isChanged: boolean
  isGone: boolean
}

/** What is due at one instant is said in one order, however it came about. */
export function isBefore(a: Entry<unknown>, b: Entry<unknown>): boolean {
  return a.key !== b.key ? a.key < b.key : a.start < b.start
}

export function emission<Acc>(kind: WindowFlag, entry: Entry<Acc>): WindowEmission<Acc> {
  const { key, start, end, acc, revision } = entry
  return { kind, key, window: { start, end }, value: acc, revision }
}

const isPublishedBit = 1
const isShownBit = 2
const isFreshBit = 4

interface WrittenWindow<Acc> extends Pick<WindowEmission<Acc>, 'window' | 'revision' | 'value'> {
  readonly isPublished: boolean
  readonly isShown: boolean
  /** An update of it is due at the next pulse. */
  readonly isFresh: boolean
}

/** How windows are kept in state. */
export interface EntryCodec<Acc> {
  /** Without its key: that is written once for all windows of it. */
  write(writer: ByteWriter, entry: Entry<Acc>, isFresh: boolean): void
  read(reader: ByteReader): WrittenWindow<Acc>
  writeRetraction(writer: ByteWriter, retraction: WindowEmission<Acc>): void
  readRetraction(reader: ByteReader): WindowEmission<Acc>
}

export function entryCodec<Acc>(codec: Codec<Acc>): EntryCodec<Acc> {
  const write = (writer: ByteWriter, { start, end }: Window, revision: number, value: Acc): void => {
    writer.f64(start)
    writer.f64(end)
    writer.uint(revision)
    codec.write(writer, value)
  }
  const read = (reader: ByteReader): Pick<WindowEmission<Acc>, 'window' | 'revision' | 'value'> => ({
    window: { start: reader.f64(), end: reader.f64() },
    revision: reader.uint(),
    value: codec.read(reader),
  })
  return {
    write(writer, entry, isFresh) {
      const { isPublished, isShown, revision, acc } = entry
      writer.byte((isPublished ? isPublishedBit : 0) | (isShown ? isShownBit : 0) | (isFresh ? isFreshBit : 0))
      write(writer, entry, revision, acc)
    },
    read(reader) {
      const bits = reader.byte()
      const has = (bit: number): boolean => (bits & bit) !== 0
      return {
        ...read(reader),
        ...{ isPublished: has(isPublishedBit), isShown: has(isShownBit), isFresh: has(isFreshBit) },
      }
    },
    writeRetraction(writer, { key, window, revision, value }) {
      writer.text(key)
      write(writer, window, revision, value)
    },
    readRetraction: (reader) => ({ kind: 'retraction', key: reader.text(), ...read(reader) }),
  }
}
