import { execFile } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const sizeMb = 160

/** A file system of its own for PostgreSQL's tables, small enough to be filled. */
export interface SmallDisk {
  /** For `CREATE TABLESPACE`. */
  readonly location: string
  fill(): Promise<void>
  empty(): Promise<void>
  close(): Promise<void>
}

/** @returns undefined where we may not mount one. */
export async function startSmallDisk(dir: string): Promise<SmallDisk | undefined> {
  await mkdir(dir)
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${sizeMb}m,mode=755`, 'tmpfs', dir])
  } catch {
    return undefined
  }
  const location = join(dir, 'tables')
  await mkdir(location)
  await run('chown', ['postgres', location])
  const filler = join(dir, 'filler')
  return {
    location,
    async fill() {
      // Ends with an error when nothing more fits: that is what is wanted.
      await run('dd', ['if=/dev/zero', `of=${filler}`, 'bs=64k']).catch(() => undefined)
    },
    empty: () => writeFile(filler, ''),
    async close() {
      await rm(filler, { force: true })
      await run('umount', ['-l', dir])
    },
  }
}
