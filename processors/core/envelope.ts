import { createByteReader, createByteWriter } from './byte-buffer.ts'
import type { Flag } from './stream-record.ts'

/** Index = stored code. */
const flags: readonly Flag[] = ['event', 'update', 'final', 'correction', 'retraction']

/** Where a record of an internal topic comes from: a partition of one of its inputs, and the place in its order there. */
export interface Provenance {
  /** Number of the input stream. */
  readonly input: number
  /** Partition of that input. */
  readonly source: number
  /** Grows with each envelope of the source partition, whatever partition it goes to; never restarts. */
  readonly seq: number
  /** Watermark of the source partition as of this record. */
  readonly watermark: number
}

/** A record of an internal topic. */
export type Envelope =
  | (Provenance & {
      readonly kind: 'record'
      readonly flag: Flag
      readonly key: string
      readonly eventTime: number
      readonly payload: Uint8Array
    })
  /** Time went on, or (`idle`) the source partition is silent and holds nothing up. */
  | (Provenance & { readonly kind: 'watermark' | 'idle' })

const kinds = ['record', 'watermark', 'idle'] as const
const version = 1
const scratch = createByteWriter()

export function packEnvelope(envelope: Envelope): Uint8Array {
  scratch.reset()
  scratch.byte(version)
  scratch.byte(kinds.indexOf(envelope.kind))
  scratch.uint(envelope.input)
  scratch.uint(envelope.source)
  scratch.uint(envelope.seq)
  scratch.f64(envelope.watermark)
  if (envelope.kind === 'record') {
    scratch.byte(flags.indexOf(envelope.flag))
    scratch.text(envelope.key)
    scratch.f64(envelope.eventTime)
    scratch.bytes(envelope.payload)
  }
  return scratch.finish()
}

/** @returns What is wrong with the bytes, where they are no envelope. */
export function unpackEnvelope(bytes: Uint8Array): Envelope | string {
  try {
    const reader = createByteReader(bytes)
    const found = reader.byte()
    if (found !== version) return `an envelope of version ${found}; this program reads ${version}`
    const kind = kinds[reader.byte()]
    if (kind === undefined) return 'an envelope of no known kind'
    const place = { input: reader.uint(), source: reader.uint(), seq: reader.uint(), watermark: reader.f64() }
    if (kind !== 'record') return { kind, ...place }
    const flag = flags[reader.byte()]
    if (flag === undefined) return 'a record of no known flag'
    return { kind, ...place, flag, key: reader.text(), eventTime: reader.f64(), payload: reader.bytes().slice() }
  } catch {
    return 'the envelope is cut short'
  }
}
