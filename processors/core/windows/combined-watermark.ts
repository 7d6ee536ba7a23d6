import type { ByteReader, ByteWriter } from '../byte-buffer.ts'

/**
 * The watermark of a stream that has several inputs: the least of those that are active.
 *
 * An input that is idle holds nothing up. When it is active again it counts only once it has come up to the combined
 * watermark (it is aligned): until then what it brings is late, and the others go on. When all are idle the watermark is
 * the greatest that any had. It never goes back.
 */
export interface CombinedWatermark {
  /** An input's watermark; a lower one than its last changes nothing. */
  advance(input: number, watermark: number): void
  setIdle(input: number): void
  setActive(input: number): void
  add(input: number): void
  /** What it held up moves at the next change. */
  remove(input: number): void
  /** -Infinity before every input had one. */
  readonly current: number
  /** Whether there are inputs and all are idle. */
  readonly isIdle: boolean
  write(writer: ByteWriter): void
  /** Reads the state of the inputs that were written; others stay as they are. */
  read(reader: ByteReader): void
}

export interface CombinedWatermarkOptions {
  readonly inputs: readonly number[]
  /**
   * What ends an input's idleness: `status`, only `setActive`, and its watermarks until then are ignored; `watermark`,
   * any watermark, and no alignment is asked of it: it holds the others up from then on.
   */
  readonly wakes: 'status' | 'watermark'
}

interface Input {
  watermark: number
  isIdle: boolean
  isAligned: boolean
}

export function createCombinedWatermark({ inputs, wakes }: CombinedWatermarkOptions): CombinedWatermark {
  const states = new Map<number, Input>()
  let current = Number.NEGATIVE_INFINITY
  const add = (input: number): void => {
    if (!states.has(input)) states.set(input, { watermark: Number.NEGATIVE_INFINITY, isIdle: false, isAligned: true })
  }
  for (const input of inputs) add(input)

  const stateOf = (input: number): Input => {
    const state = states.get(input)
    if (state === undefined) throw new RangeError(`there is no input ${input}`)
    return state
  }
  const isAllIdle = (): boolean => states.size > 0 && [...states.values()].every((state) => state.isIdle)
  const settle = (): void => {
    const all = [...states.values()]
    const counted = all.filter((state) => !state.isIdle && state.isAligned)
    const found = isAllIdle()
      ? Math.max(...all.map((state) => state.watermark))
      : counted.length > 0
        ? Math.min(...counted.map((state) => state.watermark))
        : current
    if (found > current) current = found
  }
  const wake = (state: Input): void => {
    state.isIdle = false
    state.isAligned = wakes === 'watermark' || state.watermark >= current
  }

  return {
    advance(input, watermark) {
      const state = stateOf(input)
      if (state.isIdle) {
        if (wakes === 'status') return
        wake(state)
      }
      if (watermark > state.watermark) state.watermark = watermark
      if (!state.isAligned && state.watermark >= current) state.isAligned = true
      settle()
    },
    setIdle(input) {
      const state = stateOf(input)
      state.isIdle = true
      settle()
    },
    setActive(input) {
      const state = stateOf(input)
      if (state.isIdle) wake(state)
    },
    add,
    remove(input) {
      states.delete(input)
    },
    get current() {
      return current
    },
    get isIdle() {
      return isAllIdle()
    },
    write(writer) {
      writer.f64(current)
      writer.uint(states.size)
      for (const [input, { watermark, isIdle, isAligned }] of states) {
        writer.uint(input)
        writer.f64(watermark)
        writer.byte((isIdle ? 1 : 0) | (isAligned ? 2 : 0))
      }
    },
    read(reader) {
      current = reader.f64()
      for (let count = reader.uint(); count > 0; count--) {
        const input = reader.uint()
        const watermark = reader.f64()
        const flags = reader.byte()
        states.set(input, { watermark, isIdle: (flags & 1) !== 0, isAligned: (flags & 2) !== 0 })
      }
    },
  }
}
