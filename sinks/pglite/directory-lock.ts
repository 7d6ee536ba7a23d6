import { randomUUID } from 'node:crypto'
import { link, readFile, rename, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { FatalError } from '../../schemas/errors.ts'

interface Holder {
  readonly pid: number
  readonly bootId: string
  /** The process's start in ticks since boot: a pid is used again, the pair is not. */
  readonly startTicks: string
}

const attemptsMax = 5

/**
 * Holds a folder for this process: the database in it can be opened twice unhindered, and would be destroyed.
 * The lock of a process that is gone is taken over.
 *
 * @returns Gives it up.
 * @throws {FatalError} `STORE_LOCKED`, naming the process that holds it.
 */
export async function lockDirectory(dir: string): Promise<() => Promise<void>> {
  const path = join(dir, 'store.lock')
  const { holder: self } = await identify(process.pid)
  const own = JSON.stringify(self)
  for (let attempt = 1; attempt <= attemptsMax; attempt++) {
    try {
      await createWhole(path, own)
      return onceOnly(() => unlink(path).catch(() => undefined))
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error
    }
    const found = await readText(path)
    const holder = parse(found)
    if (holder !== undefined && (await isAlive(holder))) throw locked(dir, holder.pid)
    await removeStale(path, found)
  }
  throw locked(dir, undefined)
}

/** A second call would remove the lock of whoever holds it by then. */
function onceOnly(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined
  return () => {
    done ??= work()
    return done
  }
}

/** Fails with EEXIST; nobody ever reads half a lock. */
async function createWhole(path: string, text: string): Promise<void> {
  const draft = `${path}.${randomUUID()}`
  await writeFile(draft, text)
  try {
    await link(draft, path)
  } finally {
    await unlink(draft)
  }
}

/** Moves the stale lock aside first: between reading and removing, another process may have put its own there. */
async function removeStale(path: string, stale: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`
  try {
    await rename(path, aside)
    if ((await readText(aside)) === stale) await unlink(aside)
    else await rename(aside, path)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
  }
}

async function identify(pid: number): Promise<{ readonly holder: Holder; readonly isEnded: boolean }> {
  const bootId = (await readText('/proc/sys/kernel/random/boot_id')).trim()
  const stat = await readText(`/proc/${pid}/stat`)
  // The command's name, in brackets, may hold spaces: fields are counted after it. State is field 3, the number of
  // threads 20, start time 22. The last thread may be writing still when the first has ended.
  const [state = '', ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return {
    holder: { pid, bootId, startTicks: fields[18] ?? '' },
    isEnded: (state === 'Z' || state === 'X') && Number(fields[16]) <= 1,
  }
}

async function isAlive(holder: Holder): Promise<boolean> {
  try {
    process.kill(holder.pid, 0)
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return false
  }
  const { holder: now, isEnded } = await identify(holder.pid)
  // A process that ended, and that its parent has not asked about yet, holds nothing any more.
  return !isEnded && now.bootId === holder.bootId && now.startTicks === holder.startTicks
}

function parse(text: string): Holder | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null) return undefined
    if (!('pid' in value && 'bootId' in value && 'startTicks' in value)) return undefined
    return { pid: Number(value.pid), bootId: String(value.bootId), startTicks: String(value.startTicks) }
  } catch {
    return undefined
  }
}

async function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '')
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

function locked(dir: string, pid: number | undefined): FatalError {
  return new FatalError({
    code: 'STORE_LOCKED',
    message: `The embedded store in ${dir} is in use`,
    why: pid === undefined ? 'Several processes open it at once.' : `Process ${pid} has it open.`,
    hint: 'Stop that process, or give this one a folder of its own.',
  })
}
