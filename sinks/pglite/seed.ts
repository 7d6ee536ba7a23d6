import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'

/** How every database of ours is opened. */
export const startParams = [...PGlite.defaultStartParams, '-c', 'shared_buffers=16MB']

/** Making a database takes seconds; a copy of an empty one, made when the packages are installed, a fraction of one. */
const packageDir = dirname(dirname(createRequire(import.meta.url).resolve('@electric-sql/pglite')))
const seedDir = join(packageDir, '..', '..', '.cache', 'redwick', 'pgdata')

/** Puts an empty database at `dir` where none is and a seed can be read; else PGlite makes its own. */
export async function plantSeed(dir: string): Promise<void> {
  if (existsSync(dir) || !existsSync(seedDir)) return
  const part = await mkdtemp(`${dir}.part-`)
  try {
    await cp(seedDir, part, { recursive: true })
  } catch {
    // A seed that another user made, say. What is wrong with the disk itself PGlite will tell.
    await rm(part, { recursive: true, force: true })
    return
  }
  await rename(part, dir)
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
