import type { TableSpec } from '../../schemas/table.ts'

/** A parameter as text or number; lists are passed as array literals (`arrayLiteral`). */
export type SqlParameter = string | number | null

export interface SqlStatement {
  readonly text: string
  readonly parameters?: readonly SqlParameter[]
}

/** Rows as arrays, in the order of the select list. int8 may come as text, number or bigint: `toNumber`. */
export type SqlRows = readonly (readonly unknown[])[]

/** A commit as rows, each buffer a whole COPY. */
export interface CommitRows {
  readonly staged: Buffer
  /** Candles that the table does not hold yet, in its own columns; undefined where there are none. */
  readonly fresh: Buffer | undefined
}

/** What the two PostgreSQL adapters do differently; the SQL is shared. Every error is a RedwickError. */
export interface SqlTransport {
  query(statement: SqlStatement): Promise<SqlRows>
  /** One READ COMMITTED transaction; the rows of each statement. */
  transaction(statements: readonly SqlStatement[]): Promise<readonly SqlRows[]>
  /**
   * Writes what is fresh, stages the rest and merges it, in one transaction. `rows` are read before the promise settles, never after.
   *
   * @param tables  Those that the rows write.
   * @throws {TransientError} `STORE_CONFLICT`: what was taken for fresh is there already; nothing was written.
   */
  commit(rows: CommitRows, tables: readonly TableSpec[]): Promise<void>
  close(): Promise<void>
}

/** One session of a database that is being opened: several statements in one text are allowed in `execute`. */
export interface SqlSession {
  execute(text: string): Promise<void>
  query(statement: SqlStatement): Promise<SqlRows>
}
