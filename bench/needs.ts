import { exitCodes, FatalError, messageOf } from '../schemas/errors.ts'

const code = 'BENCH_NEEDS'

/** The error that says what a bench lacks on this machine. */
export function missing(what: string, cause: unknown): FatalError {
  return new FatalError({
    code,
    message: `this bench needs ${what}`,
    why: messageOf(cause).split('\n')[0] ?? '',
    hint: 'install it, or run the other benches by name',
    exitCode: exitCodes.dependency,
    cause,
  })
}

export function isMissing(error: unknown): error is FatalError {
  return error instanceof FatalError && error.code === code
}

/** Starts a service that a bench needs. @throws {FatalError} `BENCH_NEEDS`. */
export async function started<Service>(what: string, start: () => Promise<Service>): Promise<Service> {
  try {
    return await start()
  } catch (error) {
    throw missing(what, error)
  }
}
