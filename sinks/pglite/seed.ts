import { existsSync } from 'node:fs'
import { chmod, cp, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { messageOf } from '../../schemas/errors.ts'

/** How every database of ours is opened. */
export const startParams = [...PGlite.defaultStartParams, '-c', 'shared_buffers=16MB']

/** Making a database takes seconds; a copy of an empty one, made when the packages are installed, a fraction of one. */
const packageDir = dirname(dirname(createRequire(import.meta.url).resolve('@electric-sql/pglite')))
const seedDir = join(packageDir, '..', '..', '.cache', 'redwick', 'pgdata')

/**
 * Puts an empty database at `dir` where none is and a seed can be had; else PGlite makes its own, which takes seconds.
 *
 * @returns Why a seed that is there could not be taken (it is another user's, say); undefined where all is well.
 */
export async function plantSeed(dir: string, seed = seedDir): Promise<string | undefined> {
  if (existsSync(dir) || !existsSync(seed)) return undefined
  const part = await mkdtemp(`${dir}.part-`)
  try {
    await cp(seed, part, { recursive: true })
    await makeOwn(part)
  } catch (error) {
    await rm(part, { recursive: true, force: true })
    return messageOf(error)
  }
  await rename(part, dir)
  return undefined
}

/** A copy has the modes of the original, which may be read-only; PGlite ends with `Aborted()` on such files. */
async function makeOwn(dir: string): Promise<void> {
  await chmod(dir, 0o700)
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true }))
    await chmod(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o700 : 0o600)
}

/** Makes the seed anew. */
export async function makeSeed(): Promise<void> {
  const part = `${seedDir}.part`
  await rm(part, { recursive: true, force: true })
  await mkdir(dirname(seedDir), { recursive: true })
  const db = await PGlite.create({ dataDir: part, startParams })
  await db.exec('CHECKPOINT')
  await db.close()
  await rm(seedDir, { recursive: true, force: true })
  await rename(part, seedDir)
}
