import type { Interner } from '../../schemas/interner.ts'

/**
 * Dense numbers for the symbols (or lines) of one partition, so that its state is small arrays.
 * `global` ids are the worker's (an `Interner`), `local` ones count from 0 in order of first sight.
 */
export interface SymbolIndex {
  /** Local number of a global id, made on first sight. */
  localOf(global: number): number
  localOfName(name: string): number
  globalOf(local: number): number
  name(local: number): string
  /** Name of the worker's id; it gets no local number by that. */
  globalName(global: number): string
  readonly size: number
}

export function createSymbolIndex(interner: Interner): SymbolIndex {
  let locals = new Int32Array(256).fill(-1)
  const globals: number[] = []
  const localOf = (global: number): number => {
    if (global >= locals.length) {
      const larger = new Int32Array(Math.max(locals.length * 2, global + 1)).fill(-1)
      larger.set(locals)
      locals = larger
    }
    const known = locals[global] as number
    if (known >= 0) return known
    locals[global] = globals.length
    globals.push(global)
    return globals.length - 1
  }
  const globalOf = (local: number): number => globals[local] as number
  return {
    localOf,
    localOfName: (name) => localOf(interner.internName(name)),
    globalOf,
    name: (local) => interner.name(globalOf(local)),
    globalName: (global) => interner.name(global),
    get size() {
      return globals.length
    },
  }
}
