import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, it } from 'vitest'

const sharedDir = resolve(process.env['SHARED_DIR'] ?? join(import.meta.dirname, '..', '..', 'shared'))

/**
 * Path of a file of the shared data folder (`SHARED_DIR`, default `../shared` beside the checkout).
 *
 * @throws {Error} When the folder is there and the file is not: a test must not pass by finding nothing.
 */
export function sharedData(path: string): string {
  const found = join(sharedDir, path)
  if (!existsSync(found)) throw new Error(`${path} is not in the shared data folder ${sharedDir}`)
  return found
}

/** A suite that reads shared data: skipped with a reason where the folder is absent. */
export function describeData(title: string, suite: () => void): void {
  if (existsSync(sharedDir)) describe(title, suite)
  else describe(title, () => it.skip(`skipped, no shared data folder (SHARED_DIR) at ${sharedDir}`, () => undefined))
}
