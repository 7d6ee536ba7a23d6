/** A place in a channel's emissions: epoch, then number within it. */
export interface Position {
  readonly e: number
  readonly q: number
}

interface Entry<T> {
  readonly q: number
  /** Ms, of a clock that never goes back. */
  readonly at: number
  readonly value: T
}

export interface RingLimits {
  /** Entries at most. */
  readonly sizeMax: number
  /** Age of the oldest entry at most, in ms. */
  readonly ageMaxMs: number
}

export type Resumption<T> =
  | { readonly recovered: true; readonly replay: readonly T[] }
  | { readonly recovered: false; readonly replay: readonly [] }

const notRecovered = { recovered: false, replay: [] } as const

/**
 * The last emissions of one channel in one epoch, without a gap: every one after `floor` up to `last` is here, but for
 * those that a later one has replaced. Bounded by size and age; what goes moves the floor.
 */
export interface ResumeRing<T> {
  readonly e: number
  readonly floor: number
  readonly last: number
  readonly length: number
  /** Empties the ring; its positions now belong to epoch `e`, after `floor`. */
  reset(e: number, floor: number): void
  /**
   * `q` is `last + 1`.
   *
   * @param isReplaced Whether nobody needs an entry any more, now that this one is here; the newest such goes.
   */
  push(q: number, at: number, value: T, isReplaced?: (value: T) => boolean): void
  /** Lets go of what is too old at `now`; returns how many entries went. */
  expire(now: number): number
  /** Lets go of the oldest entry. */
  evict(): void
  /** Entries after `q`, ascending. */
  after(q: number): readonly T[]
  /** Whether a client that holds `position` may go on, and what it missed; `replayMax` 0 is no limit. */
  since(position: Position, replayMax?: number): Resumption<T>
}

export function createResumeRing<T>(limits: RingLimits): ResumeRing<T> {
  let entries: Entry<T>[] = []
  let e = 0
  let floor = 0
  let last = 0

  const evict = () => {
    floor = entries.shift()?.q ?? floor
  }
  const after = (q: number) => entries.filter((entry) => entry.q > q).map(({ value }) => value)

  return {
    get e() {
      return e
    },
    get floor() {
      return floor
    },
    get last() {
      return last
    },
    get length() {
      return entries.length
    },
    reset(nextE, nextFloor) {
      entries = []
      e = nextE
      floor = nextFloor
      last = nextFloor
    },
    push(q, at, value, isReplaced) {
      const replaced = isReplaced === undefined ? -1 : entries.findLastIndex((entry) => isReplaced(entry.value))
      if (replaced >= 0) entries.splice(replaced, 1)
      entries.push({ q, at, value })
      last = q
      while (entries.length > limits.sizeMax) evict()
    },
    expire(now) {
      const before = entries.length
      for (let oldest = entries[0]; oldest !== undefined && now - oldest.at > limits.ageMaxMs; oldest = entries[0])
        evict()
      return before - entries.length
    },
    evict,
    after,
    since(position, replayMax = 0) {
      if (position.e !== e || position.q < floor || position.q > last) return notRecovered
      if (replayMax > 0 && last - position.q > replayMax) return notRecovered
      return { recovered: true, replay: after(position.q) }
    },
  }
}
