/** Bytes that are published at once: an append to the embedded log takes 64 MiB, a transaction 30 s. */
export const portionBytesMax = 16 * 1024 * 1024
/** Headers and framing, of a dead letter too. */
const overheadBytes = 2048

/**
 * Cuts what is published into stretches, in order; each is below `portionBytesMax`, or one record.
 *
 * @param bytesOf Key and value of a record.
 */
export function portionsOf<T>(records: readonly T[], bytesOf: (record: T) => number): readonly (readonly T[])[] {
  const portions: T[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const record of records) {
    const size = bytesOf(record) + overheadBytes
    if (bytes + size > portionBytesMax) {
      portions.push([])
      bytes = 0
    }
    bytes += size
    portions.at(-1)?.push(record)
  }
  return portions
}
