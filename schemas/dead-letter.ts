/** Why a record was refused. */
export type DeadLetterReason =
  | 'MALFORMED'
  | 'UNKNOWN_SCHEMA'
  | 'INCOMPATIBLE_SCHEMA'
  | 'OVERSIZED'
  | 'NO_VALUE'
  | 'BAD_SYMBOL'
  | 'BAD_PRICE'
  | 'BAD_SIZE'
  | 'BAD_TIME'
  | 'BAD_KEY'
  | 'BAD_CONTROL'
  | 'FUTURE_TIME'
  | 'WRONG_LINE'
  | 'WRONG_PARTITION'
  | 'FEED_INPUT'
  /** A segment of `ticks.history` that cannot be applied; the offset is that of its marker. */
  | 'BAD_HISTORY'
  /** A key's records are held from here on: this one made a step throw; or a release that did not mend it. */
  | 'QUARANTINED'
  /** A function of the topology threw. */
  | 'USER_ERROR'

/** At most this many bytes of a refused payload are kept. */
export const deadLetterPayloadBytesMax = 4096

/** A refused record with its coordinates; stored once, in the transaction that moves past it. */
export interface DeadLetter {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly reason: DeadLetterReason
  readonly detail: string
  readonly symbol: string
  readonly schemaId: number | null
  /** The feed's own place of the input (`FILE:LINE`), where a feed refused it; else empty. */
  readonly source: string
  readonly payload: Uint8Array
}

/** Late or duplicate ticks as a range: a flood costs ranges, not rows. */
export interface LateRange {
  readonly partition: number
  readonly fromOffset: number
  readonly toOffset: number
  readonly symbol: string
  readonly reason: 'late' | 'duplicate'
  readonly count: number
}
