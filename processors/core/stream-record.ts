/**
 * What a record says of its key.
 *
 * - `event`: something happened.
 * - `update`: what an open window comes to so far; the next replaces it. Comes at a cadence of the wall clock.
 * - `final`: a window is closed.
 * - `correction`: a closed window changed after all; it replaces its final.
 * - `retraction`: what was said of this window is withdrawn (a merge of sessions took it in).
 */
export type Flag = 'event' | 'update' | 'final' | 'correction' | 'retraction'

/** One record between operators, of one partition. */
export interface StreamRecord<T, F extends Flag = 'event'> {
  readonly flag: F
  readonly key: string
  readonly value: T
  /** Epoch ms. */
  readonly eventTime: number
  /** Offset of the source's record that brought it about: itself, or the one that moved time. */
  readonly offset: number
}

/** What is said of a closed or open window. */
export type WindowFlag = Exclude<Flag, 'event'>

/** The value of a record that stands for a window `[start, end)` of its key, times in epoch ms. */
export interface Windowed<T> {
  readonly start: number
  readonly end: number
  readonly value: T
  /** Records that made or changed it. */
  readonly revision: number
}
