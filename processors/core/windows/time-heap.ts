/** Things by time, the earliest first: a binary heap. What is due at one time comes in an order of its own. */
export interface TimeHeap<T> {
  push(time: number, item: T): void
  /** Takes out the earliest whose time is at most `time`. */
  popUntil(time: number): T | undefined
  readonly size: number
}

export function createTimeHeap<T>(isBefore: (a: T, b: T) => boolean): TimeHeap<T> {
  const times: number[] = []
  const items: T[] = []
  const isLess = (a: number, b: number): boolean => {
    const [at, other] = [times[a] as number, times[b] as number]
    return at !== other ? at < other : isBefore(items[a] as T, items[b] as T)
  }
  const swap = (a: number, b: number): void => {
    const time = times[a] as number
    const item = items[a] as T
    times[a] = times[b] as number
    items[a] = items[b] as T
    times[b] = time
    items[b] = item
  }
  const sink = (): void => {
    for (let at = 0; ; ) {
      const left = 2 * at + 1
      let least = at
      if (left < times.length && isLess(left, least)) least = left
      if (left + 1 < times.length && isLess(left + 1, least)) least = left + 1
      if (least === at) return
      swap(at, least)
      at = least
    }
  }
  return {
    push(time, item) {
      times.push(time)
      items.push(item)
      for (let at = times.length - 1; at > 0; ) {
        const parent = (at - 1) >> 1
        if (!isLess(at, parent)) return
        swap(at, parent)
        at = parent
      }
    },
    popUntil(time) {
      if (times.length === 0 || (times[0] as number) > time) return undefined
      const item = items[0]
      swap(0, times.length - 1)
      times.pop()
      items.pop()
      sink()
      return item
    },
    get size() {
      return times.length
    },
  }
}
