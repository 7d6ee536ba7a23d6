import type { ErrorDetails } from '../../schemas/errors.ts'
import type { TableSpec } from '../../schemas/table.ts'
import type { SqlRows, SqlStatement } from '../sql/sql-transport.ts'

/** Given to the worker when it starts. */
export interface PgliteWorkerData {
  /** Folder of the database; undefined: in memory. */
  readonly dir: string | undefined
}

/** `CommitRows`, in memory that can be handed over. */
export interface PgliteRows {
  readonly staged: Uint8Array<ArrayBuffer>
  readonly fresh: Uint8Array<ArrayBuffer> | undefined
}

export type PgliteRequest =
  | { readonly id: number; readonly operation: 'query'; readonly statement: SqlStatement }
  | { readonly id: number; readonly operation: 'transaction'; readonly statements: readonly SqlStatement[] }
  | {
      readonly id: number
      readonly operation: 'commit'
      readonly rows: PgliteRows
      readonly tables: readonly TableSpec[]
    }
  | { readonly id: number; readonly operation: 'close' }

/** A failure as plain data: errors lose their class between threads. */
export interface PgliteFailure {
  readonly message: string
  /** SQLSTATE; empty for anything but an error of the database. */
  readonly state: string
  /** Set where the worker itself threw a FatalError. */
  readonly fatal: ErrorDetails | undefined
}

export type PgliteReply =
  | {
      readonly kind: 'log'
      readonly level: 'debug' | 'info' | 'warn' | 'error'
      readonly message: string
      readonly details: Readonly<Record<string, unknown>>
    }
  | { readonly kind: 'opened'; readonly storeId: string }
  | { readonly kind: 'failed'; readonly id: number; readonly failure: PgliteFailure }
  | { readonly kind: 'done'; readonly id: number; readonly results: readonly SqlRows[] }

/** Id of the failure of opening. */
export const openingId = 0
