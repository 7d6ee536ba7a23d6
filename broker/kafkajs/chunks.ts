import type { OutgoingRecord } from '../../ports/broker.ts'

/** One request's records of a topic: well below the broker's default limit of a batch (1 MiB), whatever it compresses to. */
export const chunkBytesMax = 512 * 1024
/** The client copies the records of a request once for each of them. */
const chunkRecordsMax = 1_000
const recordOverheadBytes = 64

function bytesOf({ key, value, headers = {} }: OutgoingRecord): number {
  let bytes = recordOverheadBytes + (key?.length ?? 0) * (typeof key === 'string' ? 3 : 1) + (value?.length ?? 0)
  for (const [name, text] of Object.entries(headers)) bytes += 3 * (name.length + text.length)
  return bytes
}

/** Cuts records into stretches of at most `chunkBytesMax` and `chunkRecordsMax`, in order; a larger record stands alone. The client never splits. */
export function chunksOf(records: readonly OutgoingRecord[]): readonly (readonly OutgoingRecord[])[] {
  const chunks: OutgoingRecord[][] = []
  let current: OutgoingRecord[] = []
  let size = 0
  for (const record of records) {
    const bytes = bytesOf(record)
    if (current.length === chunkRecordsMax || (current.length > 0 && size + bytes > chunkBytesMax)) {
      chunks.push(current)
      current = []
      size = 0
    }
    current.push(record)
    size += bytes
  }
  if (current.length > 0) chunks.push(current)
  return chunks
}
