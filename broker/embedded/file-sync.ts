import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { FatalError } from '../../schemas/errors.ts'

/** Remembers which files have bytes that a crash of the machine would lose. */
interface FileSync {
  written(path: string): void
  /** Makes everything written under `dir` so far safe. @throws {FatalError} `LOG_SYNC_FAILED`. */
  sync(dir: string): Promise<void>
}

export function createFileSync(): FileSync {
  const dirty = new Set<string>()
  const known = new Set<string>()
  return {
    written(path) {
      dirty.add(path)
    },
    async sync(dir) {
      const files = [...dirty].filter((path) => path.startsWith(`${dir}/`))
      for (const path of files) dirty.delete(path)
      // A new file's name is safe only with its folder.
      const folders = new Set(files.filter((path) => !known.has(path)).map((path) => dirname(path)))
      await Promise.all([...files, ...folders].map(syncPath))
      for (const path of files) known.add(path)
    },
  }
}

async function syncPath(path: string): Promise<void> {
  try {
    const file = await open(path, 'r')
    try {
      await file.sync()
    } finally {
      await file.close()
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return // retention took it
    // After a failed fsync the kernel may have dropped the bytes: trying again would lie.
    throw new FatalError({ code: 'LOG_SYNC_FAILED', message: `could not make ${path} safe on disk`, cause: error })
  }
}
