import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/logger.ts'
import { invariant } from '../schemas/errors.ts'

/** Between looks at the memory. */
export const lookEveryMs = 5_000
/** So many looks tell what is kept for good: the heap breathes. */
export const looksTogether = 6
/** Bytes above the least kept since the last release. */
export const keptBytesMax = 8 * 1_048_576

/** What `process.memoryUsage` tells, in bytes. */
export type Memory = Pick<NodeJS.MemoryUsage, 'rss' | 'heapTotal' | 'external'>

interface PageReleaseOptions {
  readonly clock: Pick<Clock, 'every'>
  readonly log: Log
  readonly memory?: () => Memory
  /** Collects all that is dead, and gives back the pages without use. */
  readonly collect?: () => void
}

/** Stops this thread until all of it is done. */
function collectAll(): void {
  setFlagsFromString('--expose-gc')
  const gc: unknown = runInNewContext('gc')
  invariant(typeof gc === 'function', 'V8 shows its collector')
  gc({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}

/**
 * Gives back the pages that catching up after an outage needed. V8 (12.4) keeps the freed pages of its heap in a pool that
 * only a collection under memory pressure, or one in a process that is nearly idle, empties: a process under load would
 * stay as large as its greatest burst. At most one collection in `looksTogether` + 1 looks. What other threads of the process
 * hold counts as kept: where engines have threads of their own, each may collect for another's burst.
 *
 * @returns Ends it.
 */
export function startPageRelease(options: PageReleaseOptions): () => void {
  const { clock, log, memory = process.memoryUsage, collect = collectAll } = options
  const keptNow = (): number => {
    const { rss, heapTotal, external } = memory()
    return rss - heapTotal - external
  }
  let floor: number | undefined = keptNow()
  let recent: number[] = []
  return clock.every(lookEveryMs, () => {
    recent.push(keptNow())
    if (recent.length < looksTogether) return
    const kept = Math.min(...recent)
    recent = recent.slice(1)
    floor = Math.min(floor ?? kept, kept)
    if (kept - floor <= keptBytesMax) return
    log('debug', 'memory is given back', { keptBytes: kept - floor })
    floor = undefined
    recent = []
    collect()
  })
}
