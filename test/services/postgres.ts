import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, chown } from 'node:fs/promises'
import { join } from 'node:path'
import { Client } from 'pg'
import { freePort } from './free-port.ts'
import { inServiceDir, run, spawnService, untilReady } from './service-process.ts'

const binDirs = ['/usr/lib/postgresql/15/bin', '/usr/lib/postgresql/16/bin', '/usr/lib/postgresql/17/bin']

/** Folder of PostgreSQL's programs. */
export function postgresBin(): string {
  const bin = binDirs.find((dir) => existsSync(dir))
  if (bin === undefined) throw new Error('PostgreSQL 15 is not installed (apt-get install postgresql-15)')
  return bin
}

interface PostgresService {
  readonly url: string
  readonly pid: number
  stop(): Promise<void>
  kill(): Promise<void>
}

interface PostgresOptions {
  /** Keeps its data here and leaves it; default: a temporary folder that `stop` removes. */
  readonly dir?: string
  readonly port?: number
}

/**
 * A PostgreSQL server (fsync on) on the loopback interface; as user `postgres` where we are root.
 *
 * @throws {Error} When PostgreSQL is not installed or does not start.
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresService> {
  const bin = postgresBin()
  const port = options.port ?? (await freePort())
  const user = await serverUser()
  return inServiceDir('postgres', options.dir, async (dir, clean) => {
    if (user.ids !== undefined) {
      await chmod(dir, 0o755)
      await chown(dir, user.ids.uid, user.ids.gid)
    }
    const data = join(dir, 'data')
    if (!existsSync(join(data, 'PG_VERSION'))) {
      const initialise = [...user.prefix, join(bin, 'initdb'), '-D', data, '-U', 'postgres', '-A', 'trust', '-N']
      const [command = '', ...args] = [...initialise, '-E', 'UTF8', '--locale=C.UTF-8']
      await run(command, args, { cwd: dir })
    }
    const logFile = join(dir, 'postgres.out')
    const [command = '', ...args] = [...user.prefix, join(bin, 'postgres'), '-D', data, '-p', String(port)]
    const settings = ['-h', '127.0.0.1', '-k', '', '-c', 'shared_buffers=64MB', '-c', 'max_connections=100']
    const server = spawnService({ command, args: [...args, ...settings], logFile, cwd: dir, stopSignal: 'SIGINT' })
    const url = `postgres://postgres@127.0.0.1:${port}/postgres`
    await untilReady(server, logFile, () => accepts(url), 30_000)
    return {
      url,
      pid: server.pid,
      stop: () => server.stop().then(clean),
      kill: () => server.kill().then(clean),
    }
  })
}

/**
 * A database of its own on a running server, for one test.
 *
 * @returns Its address, and how to remove it with whatever is still connected to it.
 */
export async function createDatabase(serverUrl: string): Promise<{ url: string; drop(): Promise<void> }> {
  const name = `test_${randomUUID().replaceAll('-', '')}`
  await query(serverUrl, `CREATE DATABASE ${name}`)
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  return { url: url.href, drop: () => query(serverUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) }
}

async function query(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}

async function accepts(url: string): Promise<boolean> {
  return query(url, 'SELECT 1').then(
    () => true,
    () => false,
  )
}

interface ServerUser {
  /** Puts a command under the user. `setpriv` replaces itself by the command: the pid stays ours to end. */
  readonly prefix: readonly string[]
  readonly ids: { readonly uid: number; readonly gid: number } | undefined
}

async function serverUser(): Promise<ServerUser> {
  if (process.getuid?.() !== 0) return { prefix: [], ids: undefined }
  const [uid, gid] = await Promise.all([run('id', ['-u', 'postgres']), run('id', ['-g', 'postgres'])])
  return {
    prefix: ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'],
    ids: { uid: Number(uid.stdout), gid: Number(gid.stdout) },
  }
}
