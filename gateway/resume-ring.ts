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
  return new Ring(limits)
}

/** A class, because there is one a channel: functions of its own would cost each of them more than what it keeps. */
class Ring<T> implements ResumeRing<T> {
  e = 0
  floor = 0
  last = 0
  readonly #limits: RingLimits
  #entries: Entry<T>[] = []

  constructor(limits: RingLimits) {
    this.#limits = limits
  }

  get length(): number {
    return this.#entries.length
  }

  reset(e: number, floor: number): void {
    this.#entries = []
    this.e = e
    this.floor = floor
    this.last = floor
  }

  push(q: number, at: number, value: T, isReplaced?: (value: T) => boolean): void {
    const entries = this.#entries
    const replaced = isReplaced === undefined ? -1 : entries.findLastIndex((entry) => isReplaced(entry.value))
    if (replaced >= 0) entries.splice(replaced, 1)
    entries.push({ q, at, value })
    this.last = q
    while (entries.length > this.#limits.sizeMax) this.evict()
  }

  expire(now: number): number {
    const entries = this.#entries
    const before = entries.length
    for (let oldest = entries[0]; oldest !== undefined && now - oldest.at > this.#limits.ageMaxMs; oldest = entries[0])
      this.evict()
    return before - entries.length
  }

  evict(): void {
    this.floor = this.#entries.shift()?.q ?? this.floor
  }

  after(q: number): readonly T[] {
    return this.#entries.filter((entry) => entry.q > q).map(({ value }) => value)
  }

  since(position: Position, replayMax = 0): Resumption<T> {
    const { e, floor, last } = this
    if (position.e !== e || position.q < floor || position.q > last) return notRecovered
    if (replayMax > 0 && last - position.q > replayMax) return notRecovered
    return { recovered: true, replay: this.after(position.q) }
  }
}
