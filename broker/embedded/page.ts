/** A run of whole frames of a segment: what is kept in memory, read back, and found by offset, as one. */
export interface Page {
  /** Where it stands in the segment, in bytes. */
  readonly position: number
  /** Offset of the first record. */
  readonly baseOffset: number
  /** Bytes in use. */
  length: number
  /** Offset after the last record. */
  nextOffset: number
  lastAppendTime: number
  /** Absent where the page must be read from the file. */
  buffer: Buffer | undefined
}

/** Pages begin small, so that a quiet topic costs little, and double. */
export const pageBytesMin = 4 * 1024
export const pageBytesMax = 256 * 1024

/** The newest pages of all files, in memory up to a bound; the oldest go first. */
export interface TailMemory {
  add(page: Page): void
  drop(page: Page): void
}

export function createTailMemory(bytesMax: number): TailMemory {
  const resident = new Map<Page, number>()
  let bytes = 0
  const drop = (page: Page) => {
    bytes -= resident.get(page) ?? 0
    resident.delete(page)
    page.buffer = undefined
  }
  return {
    add(page) {
      const size = page.buffer?.length ?? 0
      resident.set(page, size)
      bytes += size
      for (const oldest of resident.keys()) {
        if (bytes <= bytesMax || oldest === page) break
        drop(oldest)
      }
    },
    drop,
  }
}
