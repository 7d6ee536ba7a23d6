/** Exit codes of the command line (sysexits where one fits). */
export const exitCodes = { ok: 0, failure: 1, usage: 2, dependency: 69, auth: 77, config: 78 } as const

export interface ErrorDetails {
  /** Stable, upper-case name of the trouble, e.g. `STORE_UNREACHABLE`. */
  readonly code: string
  /** What happened, in one line. */
  readonly message: string
  /** Why, in one line. */
  readonly why?: string
  /** What to try, in one line. */
  readonly hint?: string
  readonly exitCode?: number
  readonly cause?: unknown
}

/** An error a user may read: what happened and its code, why, what to try. */
export class RedwickError extends Error {
  readonly code: string
  readonly why: string
  readonly hint: string
  readonly exitCode: number

  constructor(details: ErrorDetails) {
    super(details.message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = new.target.name
    this.code = details.code
    this.why = details.why ?? ''
    this.hint = details.hint ?? ''
    this.exitCode = details.exitCode ?? exitCodes.failure
  }
}

/** A peer is in trouble that may pass: retry, within a bound. */
export class TransientError extends RedwickError {
  constructor(details: ErrorDetails) {
    super({ exitCode: exitCodes.dependency, ...details })
  }
}

/** A peer or the surroundings are wrong in a way that waiting does not mend. */
export class FatalError extends RedwickError {}

/** Another owner has taken the partition: everything uncommitted here is dropped. */
export class FencedError extends RedwickError {
  /** Which partitions of a commit it concerns; undefined where all. */
  readonly partitions: readonly number[] | undefined

  constructor(details: ErrorDetails, partitions?: readonly number[]) {
    super(details)
    this.partitions = partitions
  }
}

/** A bug of ours; states the rule that was broken. */
export class InvariantViolation extends RedwickError {
  constructor(rule: string) {
    super({ code: 'INVARIANT', message: rule })
  }
}

/**
 * @param rule States the positive rule; a function where its text would have to be made at each call.
 * @throws {InvariantViolation} When `condition` does not hold.
 */
export function invariant(condition: boolean, rule: string | (() => string)): asserts condition {
  if (!condition) throw new InvariantViolation(typeof rule === 'string' ? rule : rule())
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ')
  return error instanceof Error ? error.message : String(error)
}
