import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** Node's options for a process of ours, as in `bin/redwick`. */
export const nodeOptions: readonly string[] = [
  '--disable-warning=ExperimentalWarning',
  '--import',
  pathToFileURL(join(import.meta.dirname, '..', 'bin', 'strip-types.mjs')).href,
]
