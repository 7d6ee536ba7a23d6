import { jsonCodec } from '../../processors/core/codec.ts'
import type { Aggregate } from '../../processors/core/windows/aggregate.ts'

/** What a user did in a session. */
export interface Activity {
  readonly views: number
  /** Each page once, ascending. */
  readonly pages: readonly string[]
  /** Time spent on them. */
  readonly ms: number
}

const united = (a: readonly string[], b: readonly string[]): string[] => [...new Set([...a, ...b])].sort()

/** Whatever the order of the views, a session comes to the same: it can be merged. */
export const activityOf: Aggregate<{ readonly page: string; readonly ms: number }, Activity> = {
  ...jsonCodec<Activity>(),
  empty: { views: 0, pages: [], ms: 0 },
  add: (acc, { page, ms }) => ({ views: acc.views + 1, pages: united(acc.pages, [page]), ms: acc.ms + ms }),
  merge: (a, b) => ({ views: a.views + b.views, pages: united(a.pages, b.pages), ms: a.ms + b.ms }),
}
