import { Client, type ClientConfig, Pool } from 'pg'
import type { CandleStore } from '../../ports/candle-store.ts'
import type { Log } from '../../ports/logger.ts'
import { migrate, migrateTimescale } from '../sql/migrate.ts'
import { createSqlCandleStore } from '../sql/sql-candle-store.ts'
import type { SqlRows, SqlSession, SqlStatement, SqlTransport } from '../sql/sql-transport.ts'
import { createAnswerWatch } from './answer-watch.ts'
import { createCommitConnection } from './commit-connection.ts'
import { createErrorMapper, type ErrorMapper, parseDatabaseUrl } from './postgres-errors.ts'

interface PostgresStoreOptions {
  /** `postgres://user:password@host:port/database`; `?sslmode=…` as libpq. */
  readonly url: string
  readonly logger?: Log
  /** Longest statement, a takeover's wait for a commit in flight included. Default 30,000. */
  readonly statementTimeoutMs?: number
  /** How much longer an answer is waited for: the server gives up first, unless it can no longer be heard. Default 5,000. */
  readonly answerGraceMs?: number
  /** How often the server is asked whether it is at work on what has no answer yet. Default 2,000. */
  readonly lookEveryMs?: number
  /** Default 5,000. */
  readonly connectTimeoutMs?: number
}

const migrationLockTimeoutMs = 60_000
const statementTimeoutMsDefault = 30_000
const answerGraceMsDefault = 5_000
const idleInTransactionMsMax = 4_000
/** For reads and takeovers, beside the one that commits. */
const readConnectionsMax = 4

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
    '-c tcp_keepalives_interval=5',
    '-c tcp_keepalives_count=3',
  ]
  const withSettings = new URL(url)
  withSettings.searchParams.set('options', [url.searchParams.get('options') ?? '', ...settings].join(' ').trim())
  const statementTimeoutMs = options.statementTimeoutMs ?? statementTimeoutMsDefault
  return {
    connectionString: withSettings.href,
    application_name: 'redwick',
    connectionTimeoutMillis: options.connectTimeoutMs ?? 5_000,
    statement_timeout: statementTimeoutMs,
    // A process that is stopped in the middle of a takeover must not keep others from the partitions.
    idle_in_transaction_session_timeout: Math.min(statementTimeoutMs, idleInTransactionMsMax),
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  }
}

async function withSession<Result>(
  config: ClientConfig,
  toError: ErrorMapper,
  log: Log,
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
  log: Log,
): SqlTransport {
  const answerMs =
    (options.statementTimeoutMs ?? statementTimeoutMsDefault) + (options.answerGraceMs ?? answerGraceMsDefault)
  const makePool = (): Pool => {
    const made = new Pool({ ...config, max: readConnectionsMax })
    made.on('error', (error) => log('debug', 'read connection lost', { reason: toError(error).why }))
    return made
  }
  let pool = makePool()
  // One dead connection after the other would each cost its time: later statements go on fresh ones.
  const onLost = (): void => {
    pool.end().catch(() => undefined)
    pool = makePool()
    committer.renew()
  }
  const watch = createAnswerWatch({ config, answerMs, lookEveryMs: options.lookEveryMs, onLost })
  const committer = createCommitConnection(config, watch, log)

  /** What `work` on a connection of the pool comes to. After an error it is closed, not rolled back: nothing can be left open on it. */
  async function onConnection<Result>(work: (client: Client) => Promise<Result>): Promise<Result> {
    const client = await pool.connect()
    // Without a listener its loss would end the process; the statement that it takes along tells of it.
    const onError = (): void => undefined
    client.on('error', onError)
    try {
      const result = await watch.watched(client, () => work(client))
      client.release()
      return result
    } catch (error) {
      client.release(true)
      throw error
    } finally {
      client.off('error', onError)
    }
  }

  return {
    query: (statement) => mapped(toError, () => onConnection((client) => rowsOf(client, statement))),
    transaction: (statements) => mapped(toError, () => onConnection((client) => inTransaction(client, statements))),
    commit: (rows, tables) => mapped(toError, () => committer.commit(rows, tables)),
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

async function inTransaction(client: Client, statements: readonly SqlStatement[]): Promise<readonly SqlRows[]> {
  await client.query('BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE')
  const results: SqlRows[] = []
  for (const statement of statements) results.push(await rowsOf(client, statement))
  await client.query('COMMIT')
  return results
}

interface Queryable {
  query(config: { text: string; values: unknown[]; rowMode: 'array' }): Promise<{ rows: unknown[][] }>
}

async function rowsOf(on: Queryable, statement: SqlStatement): Promise<SqlRows> {
  const result = await on.query({ text: statement.text, values: [...(statement.parameters ?? [])], rowMode: 'array' })
  return result.rows
}
