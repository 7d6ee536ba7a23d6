import { growUint8 } from './grow.ts'

/** Symbols to come back to, by local number: each once, in the order in which they were noted. */
export interface SymbolMarks {
  /** By symbol; 1 where it is noted. Made anew when it grows. */
  readonly flags: Uint8Array
  readonly list: readonly number[]
  ensure(size: number): void
  note(symbol: number): void
  clear(): void
}

export function createSymbolMarks(): SymbolMarks {
  let flags = new Uint8Array(0)
  let list: number[] = []
  return {
    get flags() {
      return flags
    },
    get list() {
      return list
    },
    ensure(size) {
      if (size > flags.length) flags = growUint8(flags, size)
    },
    note(s) {
      if (flags[s] !== 0) return
      flags[s] = 1
      list.push(s)
    },
    clear() {
      for (const s of list) flags[s] = 0
      list = []
    },
  }
}
