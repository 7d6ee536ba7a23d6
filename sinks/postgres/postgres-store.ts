import { Client, type ClientConfig, Pool } from 'pg'
import type { CandleStore } from '../../ports/candle-store.ts'
import { migrate, migrateTimescale } from '../sql/migrate.ts'
import { createSqlCandleStore } from '../sql/sql-candle-store.ts'
import type { SinkLogger, SqlRows, SqlSession, SqlStatement, SqlTransport } from '../sql/sql-transport.ts'
import { createCommitConnection } from './commit-connection.ts'
import { createErrorMapper, type ErrorMapper, parseDatabaseUrl } from './postgres-errors.ts'

interface PostgresStoreOptions {
  /** `postgres://user:password@host:port/database`; `?sslmode=…` as libpq. */
  readonly url: string
  readonly logger?: SinkLogger
  /** Longest statement, a takeover's wait for a commit in flight included. Default 30,000. */
  readonly statementTimeoutMs?: number
  /** How much longer an answer is waited for: the server gives up first, unless it can no longer be heard. Default 5,000. */
  readonly answerGraceMs?: number
  /** Default 5,000. */
  readonly connectTimeoutMs?: number
  /** Connections for reads and takeovers, beside the one that commits. Default 4. */
  readonly readConnectionsMax?: number
  /** What the server lists the connections as. Default `redwick`. */
  readonly applicationName?: string
}

const migrationLockTimeoutMs = 60_000
const statementTimeoutMsDefault = 30_000
const answerGraceMsDefault = 5_000

/**
 * The candle store on PostgreSQL, with TimescaleDB's tables where the extension is to be had.
 *
 * @throws {FatalError} `STORE_AUTH` (exit 77), `STORE_DATABASE_MISSING`, `CONFIG`, `MIGRATION_NEWER`, `MIGRATION_CHANGED`.
 * @throws {TransientError} `STORE_UNREACHABLE`.
 */
export async function createPostgresStore(options: PostgresStoreOptions): Promise<CandleStore> {
  const url = parseDatabaseUrl(options.url)
  const toError = createErrorMapper(url)
  const log = options.logger ?? (() => undefined)
  const config = clientConfig(url, options)
  const storeId = await withSession(config, toError, log, (session) => migrate(session, log))
  await withSession(config, toError, log, (session) => migrateTimescale(session, log))
  return createSqlCandleStore(createTransport(config, options, toError, log), storeId)
}

function clientConfig(url: URL, options: PostgresStoreOptions): ClientConfig {
  // What the results depend on is set here, whatever the server's or the role's defaults are.
  const settings = [
    '-c TimeZone=UTC',
    '-c extra_float_digits=1',
    '-c bytea_output=hex',
    '-c default_transaction_isolation=read\\ committed',
    '-c client_min_messages=warning',
    '-c tcp_keepalives_idle=30',
  ]
  const withSettings = new URL(url)
  withSettings.searchParams.set('options', [url.searchParams.get('options') ?? '', ...settings].join(' ').trim())
  const statementTimeoutMs = options.statementTimeoutMs ?? statementTimeoutMsDefault
  return {
    connectionString: withSettings.href,
    application_name: options.applicationName ?? 'redwick',
    connectionTimeoutMillis: options.connectTimeoutMs ?? 5_000,
    statement_timeout: statementTimeoutMs,
    idle_in_transaction_session_timeout: statementTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  }
}

async function withSession<Result>(
  config: ClientConfig,
  toError: ErrorMapper,
  log: SinkLogger,
  work: (session: SqlSession) => Promise<Result>,
): Promise<Result> {
  const client = new Client(config)
  client.on('error', (error) => log('debug', 'migration connection lost', { reason: toError(error).why }))
  try {
    await client.connect()
    await client.query(`SET statement_timeout = 0; SET lock_timeout = ${migrationLockTimeoutMs}`)
    return await work({
      execute: async (text) => void (await client.query(text)),
      query: (statement) => rowsOf(client, statement),
    })
  } catch (error) {
    throw toError(error)
  } finally {
    client.end().catch(() => undefined)
  }
}

function createTransport(
  config: ClientConfig,
  options: PostgresStoreOptions,
  toError: ErrorMapper,
  log: SinkLogger,
): SqlTransport {
  const answerMs =
    (options.statementTimeoutMs ?? statementTimeoutMsDefault) + (options.answerGraceMs ?? answerGraceMsDefault)
  const pool = new Pool({ ...config, max: options.readConnectionsMax ?? 4, query_timeout: answerMs })
  pool.on('error', (error) => log('debug', 'read connection lost', { reason: toError(error).why }))
  const committer = createCommitConnection(config, answerMs, log)

  return {
    query: (statement) => mapped(toError, () => rowsOf(pool, statement)),
    transaction: (statements) => mapped(toError, () => inTransaction(pool, statements)),
    commit: (rows) => mapped(toError, () => committer.commit(rows)),
    async close() {
      await Promise.all([committer.close(), pool.end()])
    },
  }
}

async function mapped<Result>(toError: ErrorMapper, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    throw toError(error)
  }
}

async function inTransaction(pool: Pool, statements: readonly SqlStatement[]): Promise<readonly SqlRows[]> {
  const client = await pool.connect()
  try {
    await client.query('BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE')
    const results: SqlRows[] = []
    for (const statement of statements) results.push(await rowsOf(client, statement))
    await client.query('COMMIT')
    client.release()
    return results
  } catch (error) {
    // Closed, not rolled back: nothing can be left open on it.
    client.release(true)
    throw error
  }
}

interface Queryable {
  query(config: { text: string; values: unknown[]; rowMode: 'array' }): Promise<{ rows: unknown[][] }>
}

async function rowsOf(on: Queryable, statement: SqlStatement): Promise<SqlRows> {
  const result = await on.query({ text: statement.text, values: [...(statement.parameters ?? [])], rowMode: 'array' })
  return result.rows
}
