import { deflateRawSync, inflateRawSync, type ZlibOptions } from 'node:zlib'
import {
  type ByteReader,
  type ByteWriter,
  createByteReader,
  createByteWriter,
  type MovedState,
} from '../processors/core/byte-buffer.ts'
import { FatalError, invariant } from '../schemas/errors.ts'
import { partitionOfKey } from '../schemas/partitioner.ts'

/** Version of the packed form; a reader refuses any but these. In version 1 every window is written whole. */
const packedVersion = 3
const packedVersionsRead: readonly (number | undefined)[] = [1, packedVersion]
/** Version of the form that holds several rows. */
const packedListVersion = 2
/** Version of a packed form, or a list, that was written before its topic had more partitions: what it had, then the form. */
const movedVersion = 4
const movedBytes = 5

/** Larger than any state that fits the memory bound: what inflates to more is damaged. */
const inflatedBytesMax = 512 * 1024 * 1024

/** What deflate sets up for each call costs more than the work, where there is little to do. */
const smallBytes = 4096
const forSmall: ZlibOptions = { level: 1, windowBits: 12, memLevel: 4 }
const forLarge: ZlibOptions = { level: 1 }

/** About what a section's name takes. */
const namesBytes = 64

/** Packs named sections into one versioned, compressed row. */
export function packSections(sections: ReadonlyMap<string, ByteWriter>): Uint8Array {
  // At the end of a day they are a hundred megabytes: room for all of it at once, and no copies.
  let room = namesBytes
  for (const [, writer] of sections) room += writer.length + namesBytes
  const all = createByteWriter(room)
  all.uint(sections.size)
  for (const [name, writer] of sections) {
    all.text(name)
    all.bytes(writer.written)
  }
  const bytes = all.written
  const body = deflateRawSync(bytes, bytes.length < smallBytes ? forSmall : forLarge)
  return Buffer.concat([Buffer.of(packedVersion), body])
}

/** Packs rows of state, in order, into one. */
export function packStates(states: readonly Uint8Array[]): Uint8Array {
  const all = createByteWriter()
  all.uint(states.length)
  for (const state of states) all.bytes(state)
  return Buffer.concat([Buffer.of(packedListVersion), all.written])
}

/** Where a row of state is read. */
export interface StatePlace {
  readonly partition: number
  /** Partitions of the topic. */
  readonly partitions: number
}

/** What a packed form holds, and whether it was written before its topic had more partitions. */
export function unmoved(
  packed: Uint8Array,
  { partition, partitions }: StatePlace,
): [Uint8Array, MovedState | undefined] {
  let inner = packed
  let isNewPartition = false
  for (; inner[0] === movedVersion; inner = inner.subarray(movedBytes))
    isNewPartition ||= partition >= new DataView(inner.buffer, inner.byteOffset).getInt32(1)
  const isElsewhere = (key: string): boolean => partitionOfKey(key, partitions) !== partition
  return [inner, inner === packed ? undefined : { isElsewhere, isNewPartition }]
}

/**
 * @returns For each row that was packed, in order, a reader for each section, by name.
 * @throws {FatalError} `STATE_UNREADABLE`.
 */
export function unpackStates(packed: Uint8Array, place: StatePlace): readonly ReadonlyMap<string, ByteReader>[] {
  const [inner, moved] = unmoved(packed, place)
  if (inner[0] !== packedListVersion) return [unpackSections(inner, moved)]
  invariant(moved === undefined, 'a list of states is of held keys, and none is held where partitions move')
  const reader = createByteReader(inner.subarray(1))
  return Array.from({ length: reader.uint() }, () => unpackStates(reader.bytes(), place)).flat()
}

/**
 * @returns A reader for each section, by name.
 * @throws {FatalError} `STATE_UNREADABLE` when the row was written by another version or is damaged.
 */
export function unpackSections(packed: Uint8Array, moved?: MovedState): ReadonlyMap<string, ByteReader> {
  if (!packedVersionsRead.includes(packed[0]))
    throw unreadable(`its version is ${packed[0]}, this program reads ${packedVersionsRead.join(' and ')}`)
  try {
    const reader = createByteReader(inflateRawSync(packed.subarray(1), { maxOutputLength: inflatedBytesMax }))
    const sections = new Map<string, ByteReader>()
    for (let count = reader.uint(); count > 0; count--) {
      const name = reader.text()
      sections.set(name, createByteReader(reader.bytes(), moved))
    }
    return sections
  } catch (cause) {
    throw unreadable('the row is damaged', cause)
  }
}

/** Reads a section that begins with its count; without the section, none. */
export function readAll<T>(
  sections: ReadonlyMap<string, ByteReader>,
  name: string,
  read: (reader: ByteReader) => T,
): T[] {
  const reader = sections.get(name)
  return reader === undefined ? [] : Array.from({ length: reader.uint() }, () => read(reader))
}

function unreadable(why: string, cause?: unknown): FatalError {
  return new FatalError({
    code: 'STATE_UNREADABLE',
    message: 'a stored checkpoint cannot be read',
    why,
    hint: 'run the version of Redwick that wrote it, or restore the store from a backup',
    cause,
  })
}
