import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { exitCodes, FatalError, messageOf } from '../schemas/errors.ts'
import type { RecordTopology } from '../topology/records/declaration.ts'
import type { RecordFeed } from '../topology/records/run.ts'

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function isRecordTopology(value: unknown): value is RecordTopology {
  return isObject(value) && value['kind'] === 'records' && Array.isArray(value['stages'])
}

function isFeed(value: unknown): value is RecordFeed {
  return isObject(value) && typeof value['run'] === 'function' && isObject(value['topics'])
}

/** What a file exports: a topology, and perhaps a feed. @throws {FatalError} `NO_TOPOLOGY`. */
export async function loadTopology(
  file: string,
): Promise<{ readonly topology: RecordTopology; readonly feed: RecordFeed | undefined }> {
  let exported: unknown
  try {
    exported = await import(pathToFileURL(resolve(file)).href)
  } catch (cause) {
    if (cause instanceof FatalError) throw cause
    throw new FatalError({
      code: 'NO_TOPOLOGY',
      message: `${file} cannot be loaded`,
      why: messageOf(cause),
      hint: 'give a module that exports a topology, e.g. topology/examples/sessions.ts',
      exitCode: exitCodes.usage,
      cause,
    })
  }
  const names = isObject(exported) ? Object.keys(exported) : []
  const values = isObject(exported) ? Object.values(exported) : []
  const topologies = values.filter(isRecordTopology)
  const [topology] = topologies
  if (topology === undefined || topologies.length > 1)
    throw new FatalError({
      code: 'NO_TOPOLOGY',
      message: `${file} exports ${topologies.length} topologies of records, one is wanted`,
      why: `it exports ${names.join(', ') || 'nothing'}`,
      hint: 'export one value that ends in .to(...)',
      exitCode: exitCodes.usage,
    })
  return { topology, feed: values.find(isFeed) }
}
