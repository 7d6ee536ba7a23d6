import type { OutgoingRecord } from '../ports/broker.ts'

/** Bytes that are published at once: an append to the embedded log takes 64 MiB, a transaction 30 s. */
export const portionBytesMax = 16 * 1024 * 1024
/** Framing. */
const overheadBytes = 64
const bytesOfUnitMax = 3

/** About what a record takes. */
export function bytesOf({ key, value, headers }: OutgoingRecord): number {
  let units = key?.length ?? 0
  if (headers !== undefined) for (const [name, text] of Object.entries(headers)) units += name.length + text.length
  return overheadBytes + bytesOfUnitMax * units + (value?.length ?? 0)
}

/**
 * Cuts what is published into stretches, in order; each is below `portionBytesMax`, or one record.
 *
 * @param sizeOf Bytes of a record.
 */
export function portionsOf<T>(records: readonly T[], sizeOf: (record: T) => number): readonly (readonly T[])[] {
  const portions: T[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const record of records) {
    const size = sizeOf(record)
    if (bytes + size > portionBytesMax) {
      portions.push([])
      bytes = 0
    }
    bytes += size
    portions.at(-1)?.push(record)
  }
  return portions
}
