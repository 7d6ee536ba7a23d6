import type { Connection, Submittable } from 'pg'
import { invariant } from '../../schemas/errors.ts'

/** What `Connection` of the driver has beside its published types: the COPY messages. */
interface CopyConnection {
  sendCopyFromChunk(chunk: Buffer): void
  endCopyFrom(): void
}

/** A CopyData message of the protocol; the server keeps a whole message in memory. */
const chunkBytesMax = 4 * 1024 * 1024

/**
 * A text that begins with `COPY … FROM STDIN`, one or more, as one message: one implicit transaction, one round trip.
 * No statement in it may return rows. Settles when the server is ready again, or with the first error.
 *
 * pg-copy-streams writes to a connection it has let go of, uncaught, when the server refuses a row while it still
 * sends; here everything is in memory already, so no stream is needed.
 */
export function createCopyQuery(
  text: string,
  copies: readonly Buffer[],
): { readonly query: Submittable; readonly done: Promise<void> } {
  let settle = { resolve: (): void => undefined, reject: (_error: Error): void => undefined }
  const done = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject }
  })
  let copied = 0
  const query = {
    text,
    submit: (connection: Connection) => connection.query(text),
    handleCopyInResponse(connection: Connection) {
      invariant(isCopyConnection(connection), 'the driver sends COPY messages')
      const rows = copies[copied]
      invariant(rows !== undefined, 'each COPY of the text has its rows')
      copied += 1
      for (let from = 0; from < rows.length; from += chunkBytesMax) {
        connection.sendCopyFromChunk(rows.subarray(from, from + chunkBytesMax))
      }
      connection.endCopyFrom()
    },
    handleCommandComplete: () => undefined,
    handleEmptyQuery: () => undefined,
    handleRowDescription: () => undefined,
    handleDataRow: () => undefined,
    handleReadyForQuery: () => settle.resolve(),
    handleError: (error: Error) => settle.reject(error),
  }
  return { query, done }
}

function isCopyConnection(connection: object): connection is CopyConnection {
  return 'sendCopyFromChunk' in connection && 'endCopyFrom' in connection
}
