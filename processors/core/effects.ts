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

/** Where a processor puts what is not its output. */
export interface Effects {
  readonly counts: Conservation
  deadLetter(refusal: Refusal): void
  /** A tick that changes nothing; `symbol` is the worker's id. */
  skipped(offset: number, symbol: number, reason: 'late' | 'duplicate'): void
  /** Something an operator of the system must see, counted under this name. */
  alarm(name: string): void
}
