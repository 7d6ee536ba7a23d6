import { type BatchDecoder, pushed, type SourceBatch } from '../../schemas/batch-decoder.ts'

/** A record as a decoder was given it. */
export interface LoggedRecord {
  readonly offset: number
  /** As hexadecimal digits. */
  readonly value: string | null
  readonly appendTime: number
  readonly kind: string | undefined
}

/** A decoder for tests that writes down what it is given; runs are taken where `byRuns`. */
export function createLogDecoder(byRuns: boolean): {
  readonly decoder: BatchDecoder<SourceBatch>
  readonly seen: LoggedRecord[]
} {
  const seen: LoggedRecord[] = []
  const text = (bytes: Uint8Array, from: number, to: number): string =>
    Buffer.from(bytes.slice(from, to)).toString('hex')
  const decoder: BatchDecoder<SourceBatch> = {
    push(value, from, to, offset, appendTime, kind) {
      seen.push({ offset, value: value === null ? null : text(value, from, to), appendTime, kind })
      return pushed.taken
    },
    pushRun(bytes, starts, ends, from, to, offset, appendTime) {
      if (!byRuns) return from
      for (let i = from; i < to; i++) {
        const value = text(bytes, starts[i] ?? 0, ends[i] ?? 0)
        seen.push({ offset: offset + i - from, value, appendTime, kind: undefined })
      }
      return to
    },
    wantedSchemaId: 0,
    resolveSchema: async () => undefined,
    get pending() {
      return seen.length
    },
    take: (partition, baseOffset, nextOffset) => ({ partition, baseOffset, nextOffset }),
  }
  return { decoder, seen }
}
