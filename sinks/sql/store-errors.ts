import { FencedError, TransientError } from '../../schemas/errors.ts'
import { fencedMessage, fencedState } from './commit-sql.ts'

interface DatabaseFailure {
  readonly message: string
  /** SQLSTATE; empty where the database did not answer. */
  readonly state: string
  readonly cause?: unknown
}

// Connection, resources (disk full), shutdown and cancelled, system: it may be well again in a while.
const troubleStates = ['08', '53', '57', '58']
const readOnlyState = '25006'
const conflictStates = ['23505', '40P01']
/** A row is there already, or another writer writes it at this moment. */
export const conflictCode = 'STORE_CONFLICT'

/** What a failed statement means to the caller of a store; `FencedError` or `TransientError`. */
export function storeError(failure: DatabaseFailure): FencedError | TransientError {
  const { message, state, cause } = failure
  if (state === fencedState && message.startsWith(fencedMessage)) {
    const partitions = message.slice(fencedMessage.length)
    return new FencedError(
      {
        code: 'FENCED',
        message: `The commit was fenced: partitions ${partitions}`,
        why: 'Another owner has taken them over, or their offset is not the one this commit goes on from.',
        hint: 'Take them over before going on; nothing of the commit was stored.',
        cause,
      },
      partitions.split(', ').map(Number),
    )
  }
  const unreachable = state === '' || state === readOnlyState || troubleStates.includes(state.slice(0, 2))
  return new TransientError({
    code: unreachable ? 'STORE_UNREACHABLE' : conflictStates.includes(state) ? conflictCode : 'STORE_REFUSED',
    message: unreachable ? 'The candle store does not answer as it should' : 'The candle store refused a statement',
    why: state === '' ? message : `${message} (SQLSTATE ${state})`,
    hint: unreachable ? 'Processing goes on by itself when it is back.' : 'Run: npm run doctor',
    cause,
  })
}
