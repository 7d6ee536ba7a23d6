import { parentPort, workerData } from 'node:worker_threads'
import { PGlite, type Transaction } from '@electric-sql/pglite'
import { FatalError, invariant, messageOf } from '../../schemas/errors.ts'
import type { TableSpec } from '../../schemas/table.ts'
import { copyFreshSql, copyStageSql, createStageSql, mergeSql } from '../sql/commit-sql.ts'
import { migrate } from '../sql/migrate.ts'
import type { SqlRows, SqlSession, SqlStatement } from '../sql/sql-transport.ts'
import {
  openingId,
  type PgliteFailure,
  type PgliteReply,
  type PgliteRequest,
  type PgliteRows,
  type PgliteWorkerData,
} from './pglite-messages.ts'
import { plantSeed, startParams } from './seed.ts'

// On the main thread the database would stall the event loop for up to 1.5 s.
const port = parentPort
invariant(port !== null, 'the PGlite worker runs as a worker thread')
const post = (reply: PgliteReply): void => port.postMessage(reply)
const { dir } = workerData as PgliteWorkerData

// A lone backend has neither autovacuum nor checkpointer: without these its tables and its WAL would grow for ever.
const commitsPerVacuum = 500
const bytesPerCheckpoint = 64 * 1024 * 1024
/** Ours where rows change; tables of topologies are added as they are written. */
const vacuumed = new Set(['partitions', 'partition_state', 'outbox', 'redwick_stage'])
let commitsSinceVacuum = 0
let bytesSinceCheckpoint = 0

try {
  const unplanted = dir === undefined ? undefined : await plantSeed(dir)
  if (unplanted !== undefined)
    post({ kind: 'log', level: 'warn', message: 'no seed for the database, making one', details: { why: unplanted } })
  const db = await PGlite.create({ ...(dir === undefined ? {} : { dataDir: dir }), startParams })
  const storeId = await migrate(sessionOf(db), (level, message, details = {}) =>
    post({ kind: 'log', level, message, details }),
  )
  await db.exec(createStageSql)
  port.on('message', (request: PgliteRequest) => void answer(db, request))
  post({ kind: 'opened', storeId })
} catch (error) {
  post({ kind: 'failed', id: openingId, failure: failureOf(error) })
  port.close()
}

async function answer(db: PGlite, request: PgliteRequest): Promise<void> {
  try {
    const results = await perform(db, request)
    post({ kind: 'done', id: request.id, results })
  } catch (error) {
    post({ kind: 'failed', id: request.id, failure: failureOf(error) })
  }
  if (request.operation === 'close') process.exit()
}

async function perform(db: PGlite, request: PgliteRequest): Promise<readonly SqlRows[]> {
  switch (request.operation) {
    case 'query':
      return [await rowsOf(db, request.statement)]
    case 'transaction':
      return db.transaction(async (tx) => {
        const results: SqlRows[] = []
        for (const statement of request.statements) results.push(await rowsOf(tx, statement))
        return results
      })
    case 'commit':
      await commit(db, request.rows, request.tables)
      return []
    case 'close':
      await db.close()
      return []
  }
}

async function commit(db: PGlite, { fresh, staged }: PgliteRows, tables: readonly TableSpec[]): Promise<void> {
  const copy = (tx: Transaction, into: string, rows: Uint8Array<ArrayBuffer>) =>
    tx.query(`${into} FROM '/dev/blob' (FORMAT binary)`, [], { blob: new Blob([rows]) })
  await db.transaction(async (tx) => {
    if (fresh !== undefined) await copy(tx, copyFreshSql, fresh)
    await copy(tx, copyStageSql, staged)
    await tx.exec(mergeSql(tables))
  })
  for (const { table } of tables) vacuumed.add(table)
  commitsSinceVacuum++
  bytesSinceCheckpoint += staged.length + (fresh?.length ?? 0)
  if (commitsSinceVacuum < commitsPerVacuum && bytesSinceCheckpoint < bytesPerCheckpoint) return
  commitsSinceVacuum = 0
  bytesSinceCheckpoint = 0
  await tidy(db)
}

/** The commit before it stands, whatever becomes of this. */
async function tidy(db: PGlite): Promise<void> {
  try {
    for (const table of vacuumed) await db.exec(`VACUUM "${table}"`)
    await db.exec('CHECKPOINT')
  } catch (error) {
    post({
      kind: 'log',
      level: 'warn',
      message: 'the embedded store was not vacuumed',
      details: { reason: messageOf(error) },
    })
  }
}

async function rowsOf(db: PGlite | Transaction, statement: SqlStatement): Promise<SqlRows> {
  const result = await db.query<readonly unknown[]>(statement.text, [...(statement.parameters ?? [])], {
    rowMode: 'array',
  })
  return result.rows
}

function sessionOf(db: PGlite): SqlSession {
  return {
    execute: async (text) => void (await db.exec(text)),
    query: (statement) => rowsOf(db, statement),
  }
}

function failureOf(error: unknown): PgliteFailure {
  const state = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
  const fatal =
    error instanceof FatalError
      ? { code: error.code, message: error.message, why: error.why, hint: error.hint, exitCode: error.exitCode }
      : undefined
  return { message: messageOf(error), state, fatal }
}
