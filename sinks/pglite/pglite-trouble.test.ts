import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { FatalError, TransientError } from '../../schemas/errors.ts'
import { sampleCandle, sampleCommit, samplePart, sampleTopic } from '../sample-commit.ts'
import { createPgliteStore } from './pglite-store.ts'
import { openPglite } from './pglite-transport.ts'
import { plantSeed } from './seed.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'redwick-store-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

const everything = { interval: 60, from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY, limit: 1_000_000 }

// Goal: kill -9 at any moment of a commit loses nothing that was acknowledged and leaves nothing half done.
it('agrees with itself and with what was acknowledged after kill -9, again and again', async () => {
  for (let round = 0; round < 3; round++) {
    const child = startCommitting()
    const acknowledged = await killAfter(child, 20 + round * 13)
    const store = await createPgliteStore({ dir })
    const [found] = await store.takeover('killed', sampleTopic, [0], Date.now())
    const committed = found?.commitNo ?? 0
    expect(committed).toBeGreaterThanOrEqual(acknowledged)
    expect(committed).toBeLessThanOrEqual(acknowledged + 1)
    expect(found).toMatchObject({ nextOffset: committed * 10, lastSeq: committed })
    expect(found?.states).toHaveLength(committed < 8 ? committed : (committed % 8) + 1)
    const candles = await store.candles({ symbol: 'KILLED', ...everything })
    expect(candles.map(({ seq }) => seq)).toEqual(Array.from({ length: committed }, (_, i) => i + 1))
    await store.close()
  }
}, 120_000)

it('refuses a folder that another process has open, and takes it when that is gone', async () => {
  const child = startCommitting()
  await once(child.stdout, 'data')
  const refused = createPgliteStore({ dir })
  await expect(refused).rejects.toBeInstanceOf(FatalError)
  await expect(refused).rejects.toMatchObject({ code: 'STORE_LOCKED', why: `Process ${child.pid} has it open.` })
  await killAfter(child, 1)
  const store = await createPgliteStore({ dir })
  await expect(createPgliteStore({ dir })).rejects.toMatchObject({ code: 'STORE_LOCKED' })
  const { storeId } = store
  await store.close()
  // A lock of a process number that is in use again, by a process that started at another time.
  await writeFile(join(dir, 'store.lock'), JSON.stringify({ pid: process.pid, bootId: 'earlier', startTicks: '1' }))
  const again = await createPgliteStore({ dir })
  expect(again.storeId).toBe(storeId)
  await again.close()
  expect(await readdir(dir)).toEqual(['pgdata'])
}, 120_000)

it('makes a seed its own, however that may be read', async () => {
  const seed = join(dir, 'seed')
  await mkdir(join(seed, 'base'), { recursive: true })
  await writeFile(join(seed, 'base', 'file'), 'x')
  await chmod(join(seed, 'base', 'file'), 0o400)
  await chmod(join(seed, 'base'), 0o500)
  expect(await plantSeed(join(dir, 'planted'), seed)).toBeUndefined()
  const modeOf = async (path: string) => (await stat(join(dir, 'planted', path))).mode & 0o777
  expect([await modeOf('base'), await modeOf('base/file')]).toEqual([0o700, 0o600])
  await chmod(join(seed, 'base'), 0o700)
})

it('says why it cannot take a seed, and leaves nothing behind', async () => {
  const seed = join(dir, 'seed')
  await mkdir(seed)
  const socket = createServer().listen(join(seed, 'no-file'))
  await once(socket, 'listening')
  expect(await plantSeed(join(dir, 'planted'), seed)).toMatch(/socket/)
  expect(await readdir(dir)).toEqual(['seed'])
  socket.close()
  await once(socket, 'close')
})

it('takes over from a process that ended without being waited for', async () => {
  // Its parent is stopped before it ends, so that nobody waits for it.
  const parent = spawn('sh', ['-c', 'exec 3<&0; cat <&3 >&2 & echo $!; kill -STOP $$'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let line = ''
  parent.stdout.setEncoding('utf8').on('data', (text: string) => {
    line += text
  })
  await vi.waitFor(() => expect(line).toMatch(/\d+\n/), 20_000)
  const pid = Number(line)
  const statOf = async (of: number | undefined) => {
    const stat = await readFile(`/proc/${of}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  }
  await vi.waitFor(async () => expect((await statOf(parent.pid))[0]).toBe('T'), 20_000)
  parent.stdin.end()
  await vi.waitFor(async () => expect((await statOf(pid))[0]).toBe('Z'), 20_000)
  const bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()
  await writeFile(join(dir, 'store.lock'), JSON.stringify({ pid, bootId, startTicks: (await statOf(pid))[19] }))
  const store = await createPgliteStore({ dir })
  await store.close()
  parent.kill('SIGKILL')
  await once(parent, 'exit')
}, 120_000)

it('rejects every call when the worker dies, and every call after', async () => {
  let released = 0
  const release = async () => void released++
  const { transport, worker } = await openPglite(undefined, () => undefined, release)
  const calls = Array.from({ length: 5 }, () => transport.query({ text: 'SELECT pg_sleep(0.2)' }))
  const settled = Promise.allSettled(calls)
  await worker.terminate()
  for (const outcome of await settled) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'STORE_UNREACHABLE' } })
  }
  await expect(transport.query({ text: 'SELECT 1' })).rejects.toBeInstanceOf(TransientError)
  await expect(transport.commit({ staged: Buffer.alloc(1), fresh: undefined }, [])).rejects.toMatchObject({
    code: 'STORE_UNREACHABLE',
  })
  await transport.close()
  expect(released).toBe(1)
}, 120_000)

it('refuses a call when too many wait already', async () => {
  const { transport } = await openPglite(
    undefined,
    () => undefined,
    async () => undefined,
  )
  const calls = Array.from({ length: 1_030 }, () => transport.query({ text: 'SELECT 1' }))
  const refused = (await Promise.allSettled(calls)).filter(({ status }) => status === 'rejected')
  expect(refused).toHaveLength(6)
  await transport.close()
}, 120_000)

it('tidies up after itself: old state and log do not pile up', async () => {
  const warnings: string[] = []
  const store = await createPgliteStore({
    dir,
    logger: (level, message) => level === 'warn' && warnings.push(message),
  })
  const [owned] = await store.takeover('tidy', sampleTopic, [0], 1)
  const epoch = owned?.epoch ?? 0
  for (let i = 0; i < 160; i++) {
    const part = samplePart(
      {
        ...{ epoch, previousOffset: i * 10, commitNo: i + 1, outboxAckedThrough: i - 1 },
        ...{ state: new Uint8Array(1_000_000), stateFull: true, outbox: new Uint8Array(2_000) },
      },
      [sampleCandle({ symbol: 'TIDY', start: i * 60_000 })],
    )
    await store.commit(sampleCommit('tidy', part))
  }
  expect(warnings).toEqual([])
  expect((await store.positions('tidy'))[0]).toMatchObject({ commitNo: 160 })
  await store.close()
  // 160 MB of state were written, and as much of log, beside an empty database's 40 MB.
  const bytes = await sizeOf(join(dir, 'pgdata'))
  expect(bytes).toBeLessThan(120_000_000)
}, 120_000)

type Child = ChildProcessByStdio<null, Readable, null>

function startCommitting(): Child {
  const script = fileURLToPath(new URL('./commit-forever.ts', import.meta.url))
  return spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

/** The number of the last commit that was acknowledged. */
async function killAfter(child: Child, commits: number): Promise<number> {
  const ended = once(child, 'exit')
  let text = ''
  let lines = 0
  for await (const chunk of child.stdout) {
    text += String(chunk)
    lines = text.split('\n').length - 1
    if (lines >= commits && !child.killed) child.kill('SIGKILL')
  }
  // Its output ends a moment before the process does.
  await ended
  return Number(text.trimEnd().split('\n').at(-1))
}

async function sizeOf(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = names.filter((entry) => entry.isFile())
  const sizes = await Promise.all(files.map(async (file) => (await stat(join(file.parentPath, file.name))).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}
