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
 * The last emissions of one channel in one epoch, without a gap: every one after `floor` up to `last` is here.
 * Bounded by size and age; what goes moves the floor.
 */
export interface ResumeRing<T> {
  readonly e: number
  readonly floor: number
  readonly last: number
  readonly length: number
  /** Empties the ring; its positions now belong to epoch `e`, after `floor`. */
  reset(e: number, floor: number): void
  /** `q` is `last + 1`. */
  push(q: number, at: number, value: T): void
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
  let entries: (Entry<T> | undefined)[] = []
  let head = 0 // entries before it are let go of; the places are, when they are half
  let e = 0
  let floor = 0
  let last = 0

  const evict = () => {
    const oldest = entries[head]
    if (oldest === undefined) return
    floor = oldest.q
    entries[head] = undefined
    head++
    if (head > 32 && head * 2 > entries.length) {
      entries = entries.slice(head)
      head = 0
    }
  }
  const after = (q: number) =>
    entries.slice(head + Math.max(0, q - floor)).flatMap((entry) => (entry === undefined ? [] : [entry.value]))

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
      return entries.length - head
    },
    reset(nextE, nextFloor) {
      entries = []
      head = 0
      e = nextE
      floor = nextFloor
      last = nextFloor
    },
    push(q, at, value) {
      entries.push({ q, at, value })
      last = q
      while (entries.length - head > limits.sizeMax) evict()
    },
    expire(now) {
      const before = entries.length - head
      for (
        let oldest = entries[head];
        oldest !== undefined && now - oldest.at > limits.ageMaxMs;
        oldest = entries[head]
      )
        evict()
      return before - (entries.length - head)
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
