import type { ByteReader, ByteWriter } from './byte-buffer.ts'
import { createNumberRanges, type NumberRanges } from './number-ranges.ts'
import { createSegmentParts, type SegmentParts } from './segment-parts.ts'
import type { SymbolIndex } from './symbol-index.ts'
import {
  createWindowColumns,
  putWindow,
  readWindow,
  type WindowColumns,
  windowNumber,
  writeWindow,
} from './window-columns.ts'
import { placeOf, type WindowRing } from './window-rings.ts'

/** Separate ranges of base buckets that history has settled, of one symbol: a segment that would make more is refused. */
export const sealRangesMax = 1024

/** `[from, to)`. */
export interface NumberRange {
  readonly from: number
  readonly to: number
}

/** What history leaves behind in the state of a partition. Roll-ups that wait are rings of one place. */
export interface CandleHistory {
  /** Offset of `ticks.history` up to which (exclusive) it is applied. */
  appliedTo: number
  readonly parts: SegmentParts
  readonly isEmpty: boolean
  /** Base buckets of a symbol, by number, that history has settled: live ticks change nothing there. */
  seals(symbol: number): NumberRanges | undefined
  /** Separate ranges of a symbol if these, which do not touch each other, were settled too. */
  sealsWith(symbol: number, ranges: readonly NumberRange[]): number
  seal(symbol: number, from: number, to: number): void
  isSealed(symbol: number, number: number): boolean
  /** Roll-ups that hold history, and that no live tick has opened yet. */
  waiting(symbol: number): readonly WindowRing[]
  wait(symbol: number, window: WindowRing): void
  /** Takes a waiting window out; undefined when there is none. */
  take(symbol: number, sizeMs: number, number: number): WindowRing | undefined
  /** Its seals or windows changed. */
  note(symbol: number): void
  write(writer: ByteWriter, full: boolean): void
  /** The windows of the rings are read before. */
  read(reader: ByteReader, ensureSymbol: (symbol: number) => void): void
}

/** A roll-up by itself. */
export function createWaitingWindow(sizeMs: number, columns: WindowColumns): WindowRing {
  return { sizeMs, places: 1, columns }
}

/** Whether a window waits: the rings of live windows have more places. */
export function isWaiting(ring: WindowRing): boolean {
  return ring.places === 1
}

/** Position of a live window in a ring. */
export function aliveAt(ring: WindowRing, symbol: number, number: number): number | undefined {
  const k = placeOf(ring, symbol, number)
  return ring.columns.status[k] !== 0 && windowNumber(ring.columns, k) === number ? k : undefined
}

interface SymbolHistory {
  readonly seals: NumberRanges
  waiting: WindowRing[]
}

const noWindows: readonly WindowRing[] = []
const noSeals = createNumberRanges()

export function createCandleHistory(symbols: SymbolIndex, rings: readonly WindowRing[]): CandleHistory {
  const bySymbol = new Map<number, SymbolHistory>()
  const changed = new Set<number>()
  const parts = createSegmentParts()
  let appliedTo = 0

  const of = (s: number): SymbolHistory => {
    const found = bySymbol.get(s) ?? { seals: createNumberRanges(), waiting: [] }
    bySymbol.set(s, found)
    return found
  }
  const hasExtra = ({ columns }: WindowRing, k: number): boolean => columns.status[k] !== 0 && columns.extra[k] !== 0
  const withExtras = (): Set<number> => {
    const found = new Set<number>()
    for (const ring of rings)
      for (const k of ring.columns.extra.keys()) if (hasExtra(ring, k)) found.add(Math.floor(k / ring.places))
    return found
  }
  const extrasOf = (s: number): readonly (readonly [ring: WindowRing, k: number])[] =>
    rings.flatMap((ring) =>
      Array.from({ length: ring.places }, (_, i) => s * ring.places + i)
        .filter((k) => hasExtra(ring, k))
        .map((k) => [ring, k] as const),
    )
  /** Of a symbol that has neither seals nor windows nothing is kept. */
  const put = (s: number, known: SymbolHistory): void => {
    if (known.seals.size === 0 && known.waiting.length === 0) bySymbol.delete(s)
    else bySymbol.set(s, known)
  }

  const writeSymbol = (writer: ByteWriter, s: number): void => {
    const { seals, waiting } = of(s)
    writer.text(symbols.name(s))
    writer.uint(seals.size)
    seals.forEach((from, to) => {
      writer.f64(from)
      writer.f64(to)
    })
    writer.uint(waiting.length)
    for (const { sizeMs, columns } of waiting) {
      writer.uint(sizeMs)
      writeWindow(writer, columns, 0)
      writer.f64(columns.extra[0] as number)
    }
    const extras = extrasOf(s)
    writer.uint(extras.length)
    for (const [{ sizeMs, columns }, k] of extras) {
      writer.uint(sizeMs)
      writer.f64(windowNumber(columns, k))
      writer.f64(columns.extra[k] as number)
    }
  }
  /** Passes over what `writeSymbol` wrote behind the name. */
  const skipSymbol = (reader: ByteReader): void => {
    reader.skipF64s(2 * reader.uint())
    for (let count = reader.uint(); count > 0; count--) {
      reader.uint()
      readWindow(reader)
      reader.skipF64s(1)
    }
    for (let count = reader.uint(); count > 0; count--) {
      reader.uint()
      reader.skipF64s(2)
    }
  }
  const readSymbol = (reader: ByteReader, ensureSymbol: (symbol: number) => void): void => {
    const symbol = reader.text()
    if (reader.moved?.isElsewhere(symbol) === true) {
      skipSymbol(reader)
      return
    }
    const s = symbols.localOfName(symbol)
    ensureSymbol(s)
    const seals = createNumberRanges()
    for (let count = reader.uint(); count > 0; count--) seals.add(reader.f64(), reader.f64())
    const waiting: WindowRing[] = []
    for (let count = reader.uint(); count > 0; count--) {
      const window = createWaitingWindow(reader.uint(), createWindowColumns(1))
      putWindow(window.columns, 0, readWindow(reader))
      window.columns.extra[0] = reader.f64()
      waiting.push(window)
    }
    for (const { columns, places } of rings) columns.extra.fill(0, s * places, (s + 1) * places)
    for (let count = reader.uint(); count > 0; count--) {
      const sizeMs = reader.uint()
      const number = reader.f64()
      const extra = reader.f64()
      for (const ring of rings) {
        const k = ring.sizeMs === sizeMs ? aliveAt(ring, s, number) : undefined
        if (k !== undefined) ring.columns.extra[k] = extra
      }
    }
    put(s, { seals, waiting })
  }

  return {
    get appliedTo() {
      return appliedTo
    },
    set appliedTo(offset) {
      appliedTo = offset
    },
    parts,
    get isEmpty() {
      return bySymbol.size === 0
    },
    seals: (s) => bySymbol.get(s)?.seals,
    sealsWith(s, ranges) {
      const seals = bySymbol.get(s)?.seals ?? noSeals
      return ranges.reduce((sum, { from, to }) => sum + seals.sizeWith(from, to) - seals.size, seals.size)
    },
    seal(s, from, to) {
      of(s).seals.add(from, to)
      changed.add(s)
    },
    isSealed: (s, number) => bySymbol.get(s)?.seals.has(number) ?? false,
    waiting: (s) => bySymbol.get(s)?.waiting ?? noWindows,
    wait(s, window) {
      of(s).waiting.push(window)
      changed.add(s)
    },
    take(s, sizeMs, number) {
      const found = bySymbol
        .get(s)
        ?.waiting.find((one) => one.sizeMs === sizeMs && windowNumber(one.columns, 0) === number)
      if (found === undefined) return undefined
      const known = of(s)
      known.waiting = known.waiting.filter((one) => one !== found)
      changed.add(s)
      return found
    },
    note: (s) => changed.add(s),
    write(writer, full) {
      writer.uint(appliedTo)
      parts.write(writer)
      const list = full ? new Set([...bySymbol.keys(), ...withExtras()]) : changed
      writer.uint(list.size)
      for (const s of list) {
        writeSymbol(writer, s)
        put(s, of(s))
      }
      changed.clear()
    },
    read(reader, ensureSymbol) {
      const applied = reader.uint()
      appliedTo = reader.moved?.isNewPartition === true ? 0 : applied
      parts.read(reader)
      for (let count = reader.uint(); count > 0; count--) readSymbol(reader, ensureSymbol)
    },
  }
}
