import type { DeadLetterReason } from '../../schemas/dead-letter.ts'

/** Records of one partition by what became of them: `in = used + late + duplicate + rejected + held + control`. */
export interface Conservation {
  in: number
  used: number
  late: number
  duplicate: number
  rejected: number
  held: number
  control: number
}

export function createConservation(): Conservation {
  return { in: 0, used: 0, late: 0, duplicate: 0, rejected: 0, held: 0, control: 0 }
}

/** 0 when every record is accounted for. */
export function conservationBreach(c: Conservation): number {
  return c.in - (c.used + c.late + c.duplicate + c.rejected + c.held + c.control)
}

export interface Refusal {
  readonly offset: number
  readonly reason: DeadLetterReason
  readonly detail: string
  readonly symbol: string
  readonly schemaId?: number | null
  readonly source?: string
  readonly payload?: Uint8Array
}

/** A record that a step on records did not use. */
export interface RecordRefusal {
  /** Of the source's record. */
  readonly offset: number
  readonly key: string
  /** The step that says so. */
  readonly stepId: string
  /** `late` and `duplicate` are counted and kept as ranges; `rejected` is a dead letter. */
  readonly result: 'late' | 'duplicate' | 'rejected'
  readonly detail: string
}

/** Where a processor puts what is not its output. */
export interface Effects {
  readonly counts: Conservation
  deadLetter(refusal: Refusal): void
  /** A tick that changes nothing; `symbol` is the worker's id. */
  skipped(offset: number, symbol: number, reason: 'late' | 'duplicate'): void
  /** A record that a step did not use. */
  refuse(refusal: RecordRefusal): void
  /** A stretch `[from, to)` of a symbol (the worker's id) became known as not covered, or was settled by history. */
  coverage?(symbol: number, from: number, to: number, kind: 'blind' | 'settled'): void
  /** The first word of a step about the record in hand since it was last asked for: how that record is counted. */
  takeOutcome(): RecordRefusal['result'] | undefined
  /** Something an operator of the system must see, counted under this name. */
  alarm(name: string): void
}
