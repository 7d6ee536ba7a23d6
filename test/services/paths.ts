import { join } from 'node:path'

/** Root of the checkout. */
const repositoryDir = join(import.meta.dirname, '..', '..')

/** Downloaded jars; git-ignored. */
export const cacheDir = join(repositoryDir, '.cache')
