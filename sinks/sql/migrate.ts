import { createHash, randomUUID } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import type { Log } from '../../ports/logger.ts'
import { exitCodes, FatalError, invariant, messageOf } from '../../schemas/errors.ts'
import type { SqlSession } from './sql-transport.ts'
import { toText } from './sql-values.ts'

interface Migration {
  readonly name: string
  readonly text: string
  readonly checksum: string
}

/** Any number, the same in every process: who migrates or makes a table holds it. */
export const schemaLock = 7_239_471_203
const folder = new URL('../migrations/', import.meta.url)

/**
 * Brings a database to this version's tables and gives it its id; nothing happens where it is up to date.
 *
 * @returns The store's id.
 * @throws {FatalError} `MIGRATION_CHANGED` or `MIGRATION_NEWER`: the database was made by another version.
 */
export async function migrate(session: SqlSession, log: Log): Promise<string> {
  const migrations = await readMigrations((name) => /^\d{3}-/.test(name))
  return inTransaction(session, async () => {
    const applied = await readApplied(session)
    checkApplied(applied, migrations)
    for (const migration of migrations) {
      if (!applied.has(migration.name)) await apply(session, migration, log)
    }
    await session.query({
      text: `INSERT INTO store_meta (key, value) VALUES ('store_id', $1) ON CONFLICT DO NOTHING`,
      parameters: [randomUUID()],
    })
    const [row] = await session.query({ text: `SELECT value FROM store_meta WHERE key = 'store_id'` })
    invariant(row !== undefined, 'a migrated store has an id')
    return toText(row[0])
  })
}

/**
 * TimescaleDB's own statements, each file by itself; what cannot be applied here is logged as skipped.
 * A session of its own: making the extension where it is not preloaded ends the connection.
 */
export async function migrateTimescale(session: SqlSession, log: Log): Promise<void> {
  const migrations = await readMigrations((name) => name.startsWith('timescale-'))
  const skip = (names: readonly string[], reason: string) => {
    for (const name of names) log('info', 'migration skipped', { migration: name, reason })
  }
  const names = migrations.map((migration) => migration.name)
  try {
    const available = await session.query({ text: `SELECT 1 FROM pg_available_extensions WHERE name = 'timescaledb'` })
    if (available.length === 0) return skip(names, 'the extension timescaledb is not installed on the server')
    await session.execute('CREATE EXTENSION IF NOT EXISTS timescaledb')
  } catch (error) {
    return skip(names, messageOf(error))
  }
  for (const migration of migrations) {
    try {
      await inTransaction(session, async () => {
        const applied = await readApplied(session)
        if (!applied.has(migration.name)) await apply(session, migration, log)
      })
    } catch (error) {
      skip([migration.name], messageOf(error))
    }
  }
}

async function readMigrations(wanted: (name: string) => boolean): Promise<readonly Migration[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql') && wanted(name)).sort()
  return Promise.all(
    names.map(async (name) => {
      const text = await readFile(new URL(name, folder), 'utf8')
      return { name, text, checksum: createHash('sha256').update(text).digest('hex') }
    }),
  )
}

async function inTransaction<Result>(session: SqlSession, work: () => Promise<Result>): Promise<Result> {
  await session.execute('BEGIN')
  try {
    const result = await work()
    await session.execute('COMMIT')
    return result
  } catch (error) {
    // The first error is the one to tell; a rollback fails only where the connection is gone.
    await session.execute('ROLLBACK').catch(() => undefined)
    throw error
  }
}

async function readApplied(session: SqlSession): Promise<ReadonlyMap<string, string>> {
  await session.query({ text: `SELECT pg_advisory_xact_lock(${schemaLock})` })
  await session.execute(`CREATE TABLE IF NOT EXISTS redwick_migrations (
    name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`)
  const rows = await session.query({ text: 'SELECT name, checksum FROM redwick_migrations' })
  return new Map(rows.map((row) => [toText(row[0]), toText(row[1])]))
}

function checkApplied(applied: ReadonlyMap<string, string>, migrations: readonly Migration[]): void {
  const known = new Map(migrations.map((migration) => [migration.name, migration.checksum]))
  for (const [name, checksum] of applied) {
    if (name.startsWith('timescale-') || known.get(name) === checksum) continue
    const newer = !known.has(name)
    throw new FatalError({
      code: newer ? 'MIGRATION_NEWER' : 'MIGRATION_CHANGED',
      message: `Migration ${name} of the database is ${newer ? 'not known here' : 'not the one that is here'}`,
      why: newer ? 'A newer version of Redwick has used this database.' : 'The file was changed after it was applied.',
      hint: 'Run the version that made the database, or give this one a database of its own.',
      exitCode: exitCodes.config,
    })
  }
}

async function apply(session: SqlSession, migration: Migration, log: Log): Promise<void> {
  await session.execute(migration.text)
  await session.query({
    text: 'INSERT INTO redwick_migrations (name, checksum) VALUES ($1, $2)',
    parameters: [migration.name, migration.checksum],
  })
  log('info', 'migration applied', { migration: migration.name })
}
