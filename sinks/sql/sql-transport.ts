import type { TableSpec } from '../../schemas/table.ts'

/** A parameter as text or number; lists are passed as array literals (`arrayLiteral`). */
export type SqlParameter = string | number | null

export interface SqlStatement {
  readonly text: string
  readonly parameters?: readonly SqlParameter[]
}

/** Rows as arrays, in the order of the select list. int8 may come as text, number or bigint: `toNumber`. */
export type SqlRows = readonly (readonly unknown[])[]

/** What the two PostgreSQL adapters do differently; the SQL is shared. Every error is a RedwickError. */
export interface SqlTransport {
  query(statement: SqlStatement): Promise<SqlRows>
  /** One READ COMMITTED transaction; the rows of each statement. */
  transaction(statements: readonly SqlStatement[]): Promise<readonly SqlRows[]>
  /**
   * Stages the rows and merges them, in one transaction. `rows` is read before the promise settles, never after.
   *
   * @param tables  Those that the rows write.
   */
  commit(rows: Buffer, tables: readonly TableSpec[]): Promise<void>
  close(): Promise<void>
}

/** One session of a database that is being opened: several statements in one text are allowed in `execute`. */
export interface SqlSession {
  execute(text: string): Promise<void>
  query(statement: SqlStatement): Promise<SqlRows>
}
