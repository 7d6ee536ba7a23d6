import { FatalError } from '../../schemas/errors.ts'

/** Damage in a file, at a byte, where the log expects the record with `offset`. */
export function logCorrupt(path: string, position: number, offset: number): FatalError {
  return new FatalError({
    code: 'LOG_CORRUPT',
    message: `${path} is damaged at byte ${position}, offset ${offset}`,
    why: 'a stored append does not match its checksum, and intact ones follow it',
    hint: 'restore the data folder from a backup, or delete the topic and feed it again',
  })
}

/** What opening a log cut off: an append that a crash left unfinished, or damage in the newest file. */
export interface Truncation {
  readonly path: string
  /** Offset that the next append gets. */
  readonly offset: number
  readonly bytes: number
  /** Records in whole appends behind the damage, as far as their headers can be followed. */
  readonly records: number
}
