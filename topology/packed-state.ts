import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { type ByteReader, type ByteWriter, createByteReader, createByteWriter } from '../processors/core/byte-buffer.ts'
import { FatalError } from '../schemas/errors.ts'

/** Version of the packed form; a reader refuses any other. */
const packedVersion = 1
/** Larger than any state that fits the memory bound: what inflates to more is damaged. */
const inflatedBytesMax = 512 * 1024 * 1024

/** Packs named sections into one versioned, compressed row. */
export function packSections(sections: ReadonlyMap<string, ByteWriter>): Uint8Array {
  const all = createByteWriter()
  all.uint(sections.size)
  for (const [name, writer] of sections) {
    all.text(name)
    all.bytes(writer.finish())
  }
  const body = deflateRawSync(all.finish(), { level: 1 })
  return Buffer.concat([Buffer.of(packedVersion), body])
}

/**
 * @returns A reader for each section, by name.
 * @throws {FatalError} `STATE_UNREADABLE` when the row was written by another version or is damaged.
 */
export function unpackSections(packed: Uint8Array): ReadonlyMap<string, ByteReader> {
  if (packed[0] !== packedVersion) throw unreadable(`its version is ${packed[0]}, this program reads ${packedVersion}`)
  try {
    const reader = createByteReader(inflateRawSync(packed.subarray(1), { maxOutputLength: inflatedBytesMax }))
    const sections = new Map<string, ByteReader>()
    for (let count = reader.uint(); count > 0; count--) {
      const name = reader.text()
      sections.set(name, createByteReader(reader.bytes()))
    }
    return sections
  } catch (cause) {
    throw unreadable('the row is damaged', cause)
  }
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
