import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheDir } from './paths.ts'
import { run } from './service-process.ts'

const downloadMsMax = 180_000

/**
 * A folder under `.cache`, filled once by Maven.
 *
 * @param mavenArguments Gets the folder to fill, returns Maven's arguments.
 * @throws {Error} When the folder is not there and Maven cannot fill it.
 */
export async function mavenFolder(name: string, mavenArguments: (dir: string) => string[]): Promise<string> {
  const dir = join(cacheDir, name)
  if (existsSync(dir)) return dir
  const part = `${dir}.${process.pid}.part`
  await mkdir(part, { recursive: true })
  try {
    // Without a project Maven leaves its markers in a folder of this literal name, wherever it runs.
    await run('mvn', ['-q', '-B', ...mavenArguments(part)], { timeout: downloadMsMax, cwd: part })
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the folder's name
    await rm(join(part, '${project.basedir}'), { recursive: true, force: true })
    await rename(part, dir).catch((error: unknown) => {
      if (!existsSync(dir)) throw error // another run was first
    })
  } catch (error) {
    const missing = error instanceof Error && error.message.includes('ENOENT')
    throw new Error(missing ? `${name} is not in .cache and there is no mvn` : `mvn could not fetch ${name}`, {
      cause: error,
    })
  } finally {
    await rm(part, { recursive: true, force: true })
  }
  return dir
}
