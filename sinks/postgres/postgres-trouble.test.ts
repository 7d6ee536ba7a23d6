import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { CandleStore, PartitionCommit } from '../../ports/candle-store.ts'
import type { Candle } from '../../schemas/candle.ts'
import { FatalError, FencedError, TransientError } from '../../schemas/errors.ts'
import { startFaultProxy } from '../../test/chaos/fault-proxy.ts'
import { describeService } from '../../test/services/services.ts'
import { sampleCandle, sampleCommit, samplePart, sampleTopic } from '../sample-commit.ts'
import { createPostgresStore } from './postgres-store.ts'

const everything = { interval: 60, from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY, limit: 100_000 }

describeService('postgres', 'PostgreSQL store in trouble', ({ createDatabase }) => {
  let database: Awaited<ReturnType<typeof createDatabase>>
  let store: CandleStore
  let admin: Client
  beforeAll(async () => {
    database = await createDatabase()
    store = await createPostgresStore({ url: database.url })
    admin = new Client({ connectionString: database.url })
    await admin.connect()
  })
  afterAll(async () => {
    await store.close()
    await admin.end()
    await database.drop()
  })

  const takeOver = async (on: CandleStore, topology: string, partition = 0, nowMs = Date.now()) => {
    const [checkpoint] = await on.takeover(topology, sampleTopic, [partition], nowMs)
    if (checkpoint === undefined) throw new Error('nothing was taken over')
    return checkpoint
  }
  /** Idle connections may have been cut as well: each is noticed when it is used. */
  const takeOverInTheEnd = async (on: CandleStore, topology: string) => {
    for (let attempt = 1; attempt < 5; attempt++) {
      const taken = await takeOver(on, topology).catch(() => undefined)
      if (taken !== undefined) return taken
    }
    return takeOver(on, topology)
  }
  const commit = (
    on: CandleStore,
    topology: string,
    part: Partial<PartitionCommit> & { epoch: number; previousOffset: number; commitNo: number },
    candles: readonly Candle[] = [],
  ) => on.commit(sampleCommit(topology, samplePart(part, candles)))
  const scalar = async (text: string): Promise<unknown> => {
    const { rows } = await admin.query<unknown[]>({ text, rowMode: 'array' })
    return rows[0]?.[0]
  }
  const waitingForLocks = () =>
    scalar(`SELECT count(*)::int FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)
  const idleInTransaction = () =>
    scalar(`SELECT count(*)::int FROM pg_stat_activity
      WHERE datname = current_database() AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%'`)

  it('writes no row that is there already as it is', async () => {
    const rows = [0, 60_000].map((start) => sampleCandle({ symbol: 'EQUAL', start }))
    const { epoch } = await takeOver(store, 'equal')
    await commit(store, 'equal', { epoch, previousOffset: 0, commitNo: 1 }, rows)
    const versions = `SELECT string_agg(xmin::text || ctid::text, ' ' ORDER BY bucket) FROM candles WHERE symbol = 'EQUAL'`
    const before = await scalar(versions)
    await commit(store, 'equal', { epoch, previousOffset: 10, commitNo: 2 }, rows)
    expect(await scalar(versions)).toBe(before)
    await commit(store, 'equal', { epoch, previousOffset: 20, commitNo: 3 }, [
      sampleCandle({ symbol: 'EQUAL', close: 9 }),
    ])
    expect(await scalar(versions)).not.toBe(before)
  })

  it('lets two writers write the same rows in opposite order', async () => {
    const other = await createPostgresStore({ url: database.url })
    const rows = Array.from({ length: 500 }, (_, i) => sampleCandle({ symbol: `ORDER-${i}`, start: 0 }))
    const one = await takeOver(store, 'order', 0)
    const two = await takeOver(other, 'order', 1)
    const write = async (on: CandleStore, partition: number, epoch: number, order: readonly Candle[]) => {
      for (let i = 0; i < 15; i++) {
        const changed = order.map((row) => ({ ...row, close: i + partition / 2 }))
        await commit(on, 'order', { partition, epoch, previousOffset: i * 10, commitNo: i + 1 }, changed)
      }
    }
    await Promise.all([write(store, 0, one.epoch, rows), write(other, 1, two.epoch, [...rows].reverse())])
    expect((await store.positions('order')).map(({ nextOffset }) => nextOffset)).toEqual([150, 150])
    await other.close()
  })

  it('is usable after a refused COPY, 100 times, and leaves no transaction open', async () => {
    let { epoch } = await takeOver(store, 'refused')
    // Large enough that the refusal arrives while rows are still being sent.
    const many = Array.from({ length: 3_000 }, (_, i) => sampleCandle({ symbol: 'REFUSED', start: i * 60_000 }))
    const bad = { topic: 'nul\0', partition: 0, offset: 0, reason: 'MALFORMED', detail: '', symbol: '' } as const
    for (let i = 0; i < 100; i++) {
      const refused = samplePart({
        ...{ partition: 0, epoch, previousOffset: i * 10, commitNo: i + 1 },
        deadLetters: [{ ...bad, schemaId: null, source: '', payload: new Uint8Array(1) }],
      })
      const full = samplePart({ partition: 1, epoch, previousOffset: 0, commitNo: 1 }, i % 10 === 0 ? many : [])
      await expect(store.commit(sampleCommit('refused', refused, full))).rejects.toMatchObject({
        code: 'STORE_REFUSED',
      })
      if (i % 10 === 0) epoch = (await takeOver(store, 'refused')).epoch
      await commit(store, 'refused', { epoch, previousOffset: i * 10, commitNo: i + 1 })
    }
    expect(await idleInTransaction()).toBe(0)
    expect(await store.candles({ symbol: 'REFUSED', ...everything })).toEqual([])
  })

  it('is whole or not at all when the connection is cut anywhere in a commit, 100 times', async () => {
    const port = Number(new URL(database.url).port)
    const proxy = await startFaultProxy(port)
    const url = new URL(database.url)
    url.port = String(proxy.port)
    const cut = await createPostgresStore({ url: url.href })
    let committed = 0
    let unknownButStored = 0
    let failed = 0
    for (let i = 0; i < 100; i++) {
      proxy.mend()
      const { epoch, nextOffset, commitNo } = await takeOverInTheEnd(cut, 'cut')
      // The store holds what it said it holds: as many candles as commits.
      const found = await store.candles({ symbol: 'CUT', ...everything })
      expect(found.length).toBe(commitNo)
      expect(nextOffset).toBe(commitNo * 10)
      if (commitNo > committed) unknownButStored++
      committed = commitNo
      if (i % 2 === 0) proxy.limit({ way: 'sent', bytes: (i * 97) % 9_000, end: 'cut' })
      else proxy.limit({ way: 'answered', bytes: (i * 13) % 900, end: 'cut' })
      const candle = sampleCandle({ symbol: 'CUT', start: commitNo * 60_000 })
      try {
        await commit(cut, 'cut', { epoch, previousOffset: nextOffset, commitNo: commitNo + 1 }, [candle])
        committed++
      } catch (error) {
        expect(error).toBeInstanceOf(TransientError)
        expect(error).toMatchObject({ code: 'STORE_UNREACHABLE' })
        failed++
      }
    }
    // The plan reaches all three ends; and COMMITs whose answer was lost are among them.
    expect(failed).toBeGreaterThan(10)
    expect(committed).toBeGreaterThan(10)
    expect(unknownButStored).toBeGreaterThan(0)
    await cut.close()
    await proxy.close()
    await expect.poll(idleInTransaction, { timeout: 20_000 }).toBe(0)
  }, 60_000)

  it('waits in a takeover for the commit in flight, and then sees it', async () => {
    const first = await takeOver(store, 'flight')
    await commit(store, 'flight', { epoch: first.epoch, previousOffset: 0, commitNo: 1, state: new Uint8Array([1]) })
    await admin.query('BEGIN')
    await admin.query(`INSERT INTO partition_state VALUES ('flight', 0, 2, false, '\\x02')`)
    await admin.query(`UPDATE partitions SET next_offset = 20, commit_no = 2 WHERE topology = 'flight'`)
    const second = takeOver(store, 'flight')
    const early = await Promise.race([
      second.then(() => 'early'),
      new Promise((resolve) => setTimeout(resolve, 300, 'waits')),
    ])
    expect(early).toBe('waits')
    await admin.query('COMMIT')
    expect(await second).toMatchObject({
      ...{ nextOffset: 20, commitNo: 2 },
      states: [new Uint8Array([1]), new Uint8Array([2])],
    })
    await expect(
      commit(store, 'flight', { epoch: first.epoch, previousOffset: 20, commitNo: 3 }),
    ).rejects.toBeInstanceOf(FencedError)
  })

  it('would lose that commit if it took over in one statement (a planted mistake, to see that the case above can fail)', async () => {
    const { epoch } = await takeOver(store, 'planted')
    await commit(store, 'planted', { epoch, previousOffset: 0, commitNo: 1, state: new Uint8Array([1]) })
    await admin.query('BEGIN')
    await admin.query(`INSERT INTO partition_state VALUES ('planted', 0, 2, false, '\\x02')`)
    await admin.query(`UPDATE partitions SET next_offset = 20, commit_no = 2 WHERE topology = 'planted'`)
    const other = new Client({ connectionString: database.url })
    await other.connect()
    const taken = other.query<{ next_offset: string; states: string }>(`
      WITH owned AS (UPDATE partitions SET epoch = epoch + 1 WHERE topology = 'planted' RETURNING next_offset)
      SELECT next_offset, (SELECT count(*) FROM partition_state WHERE topology = 'planted') AS states FROM owned`)
    await expect.poll(waitingForLocks, { timeout: 20_000 }).toBe(1)
    await admin.query('COMMIT')
    // The offset is that of after the commit, the state that of before.
    expect((await taken).rows).toEqual([{ next_offset: '20', states: '1' }])
    await other.end()
  })

  it('gives up on a commit that waits too long, and goes on when the way is free', async () => {
    const slow = await createPostgresStore({ url: database.url, statementTimeoutMs: 300 })
    const { epoch } = await takeOver(slow, 'slow')
    await admin.query('BEGIN')
    await admin.query(`SELECT 1 FROM partitions WHERE topology = 'slow' FOR UPDATE`)
    await expect(commit(slow, 'slow', { epoch, previousOffset: 0, commitNo: 1 })).rejects.toMatchObject({
      code: 'STORE_UNREACHABLE',
    })
    await expect(takeOver(slow, 'slow')).rejects.toBeInstanceOf(TransientError)
    await admin.query('ROLLBACK')
    const again = await takeOver(slow, 'slow')
    expect(again.nextOffset).toBe(0)
    await commit(slow, 'slow', { epoch: again.epoch, previousOffset: 0, commitNo: 1 })
    await slow.close()
  })

  it('does not wait for ever for a network that swallows what is sent', async () => {
    const proxy = await startFaultProxy(Number(new URL(database.url).port))
    const url = new URL(database.url)
    url.port = String(proxy.port)
    // Long enough for a busy machine to answer within it before the network swallows and after.
    const options = { url: url.href, statementTimeoutMs: 1_000, answerGraceMs: 1_000, connectTimeoutMs: 2_000 }
    const swallowed = await createPostgresStore(options)
    const { epoch } = await takeOver(swallowed, 'swallowed')
    await commit(swallowed, 'swallowed', { epoch, previousOffset: 0, commitNo: 1 })
    proxy.blackHole()
    const started = performance.now()
    const commits = [1, 2].map(() => commit(swallowed, 'swallowed', { epoch, previousOffset: 10, commitNo: 2 }))
    for (const outcome of await Promise.allSettled([...commits, swallowed.ping()])) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'STORE_UNREACHABLE' } })
    }
    expect(performance.now() - started).toBeLessThan(10_000)
    proxy.mend()
    const again = await takeOverInTheEnd(swallowed, 'swallowed')
    await commit(swallowed, 'swallowed', { epoch: again.epoch, previousOffset: 10, commitNo: 2 })
    await swallowed.close()
    await proxy.close()
  })

  it('tells a lost connection from a slow commit: the one is given up within seconds, the other is waited for', async () => {
    const proxy = await startFaultProxy(Number(new URL(database.url).port))
    const url = new URL(database.url)
    url.port = String(proxy.port)
    const watched = await createPostgresStore({ url: url.href, lookEveryMs: 400 })
    const { epoch } = await takeOver(watched, 'watched')
    await commit(watched, 'watched', { epoch, previousOffset: 0, commitNo: 1 })
    // Slow: it waits for a lock, for longer than a lost one is given.
    await admin.query('BEGIN')
    await admin.query(`SELECT 1 FROM partitions WHERE topology = 'watched' FOR UPDATE`)
    const slow = commit(watched, 'watched', { epoch, previousOffset: 10, commitNo: 2 })
    await sleep(2_500)
    await admin.query('COMMIT')
    await slow
    // Lost: what was open is dead without a word, new connections pass.
    await Promise.all([1, 2, 3, 4].map(() => watched.ping()))
    proxy.swallowAll()
    const started = performance.now()
    await expect(commit(watched, 'watched', { epoch, previousOffset: 20, commitNo: 3 })).rejects.toMatchObject({
      code: 'STORE_UNREACHABLE',
    })
    expect(performance.now() - started).toBeLessThan(15_000)
    // Four more connections are as dead; none of them is tried.
    const again = await takeOver(watched, 'watched')
    expect(again.nextOffset).toBe(20)
    await commit(watched, 'watched', { epoch: again.epoch, previousOffset: 20, commitNo: 3 })
    await watched.close()
    await proxy.close()
  }, 60_000)

  it('a process that stops in the middle of a takeover does not keep others from the partition', async () => {
    const proxy = await startFaultProxy(Number(new URL(database.url).port))
    const url = new URL(database.url)
    url.port = String(proxy.port)
    const options = { url: url.href, statementTimeoutMs: 1_000, lookEveryMs: 300 }
    const stopped = await createPostgresStore(options)
    let locked = 0
    for (const bytes of [300, 700, 1_100, 1_500, 1_900]) {
      await takeOver(stopped, 'stopped')
      proxy.limit({ way: 'sent', bytes, end: 'black hole' })
      const taken = takeOver(stopped, 'stopped').catch(() => undefined)
      await sleep(200)
      locked += Number(await idleInTransaction())
      await takeOver(store, 'stopped')
      await taken
      proxy.mend()
      await takeOverInTheEnd(stopped, 'stopped')
    }
    expect(locked).toBeGreaterThan(0)
    expect(await idleInTransaction()).toBe(0)
    await stopped.close()
    await proxy.close()
  }, 60_000)

  it('goes on by itself after the server has ended its connections', async () => {
    const { epoch } = await takeOver(store, 'ended')
    await commit(store, 'ended', { epoch, previousOffset: 0, commitNo: 1 })
    await admin.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND pid <> pg_backend_pid()`)
    const recovered = () =>
      takeOver(store, 'ended')
        .then(({ epoch: now }) => commit(store, 'ended', { epoch: now, previousOffset: 10, commitNo: 2 }))
        .then(
          () => 'recovered',
          () => 'not yet',
        )
    await expect.poll(recovered, { timeout: 20_000 }).toBe('recovered')
  })

  it('migrates once when several start at once, and is one store to all', async () => {
    const fresh = await createDatabase()
    const lines: string[] = []
    const logger = (_level: string, message: string, details?: object) =>
      lines.push(`${message} ${JSON.stringify(details)}`)
    const stores = await Promise.all([1, 2, 3].map(() => createPostgresStore({ url: fresh.url, logger })))
    expect(new Set(stores.map(({ storeId }) => storeId)).size).toBe(1)
    expect(stores[0]?.storeId).not.toBe(store.storeId)
    expect(lines.filter((line) => line.includes('applied {"migration":"001'))).toHaveLength(1)
    expect(lines.some((line) => /timescale-001-hypertable.sql/.test(line))).toBe(true)
    await Promise.all(stores.map((each) => each.close()))
    await fresh.drop()
  })

  it.each([
    {
      name: 'changed',
      sql: `UPDATE redwick_migrations SET checksum = 'other' WHERE name LIKE '001%'`,
      code: 'MIGRATION_CHANGED',
    },
    { name: 'newer', sql: `INSERT INTO redwick_migrations VALUES ('999-later.sql', 'x')`, code: 'MIGRATION_NEWER' },
  ])('refuses a database with a $name migration', async ({ sql, code }) => {
    const fresh = await createDatabase()
    await (await createPostgresStore({ url: fresh.url })).close()
    const client = new Client({ connectionString: fresh.url })
    await client.connect()
    await client.query(sql)
    await client.end()
    const refused = createPostgresStore({ url: fresh.url })
    await expect(refused).rejects.toBeInstanceOf(FatalError)
    await expect(refused).rejects.toMatchObject({ code })
    await fresh.drop()
  })

  it('says that a database is missing', async () => {
    const url = new URL(database.url)
    url.pathname = '/there_is_none'
    await expect(createPostgresStore({ url: url.href })).rejects.toMatchObject({
      code: 'STORE_DATABASE_MISSING',
      exitCode: 78,
    })
  })

  it.each([
    { name: 'a refused login', state: '28P01', error: FatalError, code: 'STORE_AUTH', exitCode: 77 },
    { name: 'too many connections', state: '53300', error: TransientError, code: 'STORE_UNREACHABLE', exitCode: 69 },
    { name: 'a server that starts up', state: '57P03', error: TransientError, code: 'STORE_UNREACHABLE', exitCode: 69 },
  ])('tells $name without the password', async ({ state, error, code, exitCode }) => {
    const message = `SFATAL\0C${state}\0Mno hidden-word for you\0\0`
    const server = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.once('data', () => {
        const head = Buffer.alloc(5)
        head.write('E')
        head.writeInt32BE(message.length + 4, 1)
        socket.end(Buffer.concat([head, Buffer.from(message)]))
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const failed: unknown = await createPostgresStore({
      url: `postgres://someone:hidden-word@127.0.0.1:${port}/x`,
    }).catch((each: unknown) => each)
    expect(failed).toBeInstanceOf(error)
    expect(failed).toMatchObject({ code, exitCode })
    expect(
      `${String(failed)} ${JSON.stringify(failed)} ${failed instanceof Error ? String(failed.cause) : ''}`,
    ).not.toContain('hidden-word')
    await new Promise((resolve) => server.close(resolve))
  })

  it('refuses an address that is none, and does not show it', async () => {
    const refused = createPostgresStore({ url: 'mysql://user:hidden-word@host/x' })
    await expect(refused).rejects.toMatchObject({ code: 'CONFIG', exitCode: 78 })
    await expect(refused).rejects.not.toThrow(/hidden-word/)
  })
})
