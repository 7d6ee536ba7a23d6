/** Where a partition is read, and whether it may be. */
export interface Position {
  /** Offset that the next batch must continue at. */
  expected: number
  /** A seek was asked for, and no batch from there came yet. */
  sought: boolean
  /** The user's pause. */
  paused: boolean
  /** `expected` at the last batch that did not fit. */
  misfitAt: number
}

export function createPosition(offset: number): Position {
  return { expected: offset, sought: true, paused: false, misfitAt: -1 }
}

/** What to do with a batch that was fetched at `fetchedOffset`. */
type Fit = 'fits' | 'skipped' | 'misfit'

/**
 * `skipped`: the client itself moved over records that nobody gets (transaction markers, compacted or aborted ones):
 * believed only when a second fetch from the expected offset says the same.
 */
export function fitOf(position: Position, fetchedOffset: number): Fit {
  if (fetchedOffset === position.expected) return 'fits'
  const seenAgain = position.misfitAt === position.expected && fetchedOffset > position.expected
  position.misfitAt = position.expected
  return seenAgain ? 'skipped' : 'misfit'
}

/** The client resolved a fetch of nothing but markers by itself. */
export function skipMarkers(position: Position, firstOffset: number | undefined, lastOffset: number): void {
  if (lastOffset < position.expected) return
  const continues = firstOffset === position.expected
  if (!continues && position.sought) return // it may have been fetched before the seek
  position.expected = lastOffset + 1
  position.sought = false
}
