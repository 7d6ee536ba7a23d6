import type { ByteReader, ByteWriter } from './byte-buffer.ts'
import { growFloat64, growInt32, growUint8 } from './grow.ts'
import type { SymbolIndex } from './symbol-index.ts'

/**
 * The watermark of a partition by its lines: the least of those that are active. A line's own is the newest time that
 * it proved, less the out-of-orderness, less 1. A line that said nothing for `idleAfterMs` of append time, while others did,
 * holds nothing up until it says something again. Where all are over it is the greatest that any had. It never goes back.
 */
export interface LineWatermark {
  /** A tick of a symbol (its local number) came by a line, which proves its time. */
  tick(symbol: number, line: number, eventTime: number, appendTime: number): void
  /** A heartbeat: every tick of the line up to `to` has come. */
  covered(line: number, to: number, appendTime: number): void
  /** The line is over, until it says something again. */
  end(line: number): void
  /**
   * A symbol belongs to another line, which is active from then on. A line that lost its last symbol holds nothing up,
   * until it says something again. Of a symbol that had no line yet nothing changes.
   */
  move(symbol: number, line: number): void
  /** -Infinity before any line said something. */
  readonly current: number
  /** Writes every line, and every symbol's line or only those that changed since the last time. */
  write(writer: ByteWriter, full: boolean): void
  read(reader: ByteReader): void
}

export interface LineWatermarkOptions {
  readonly symbols: SymbolIndex
  readonly lines: SymbolIndex
  readonly outOfOrdernessMs: number
  readonly idleAfterMs: number
}

export function createLineWatermark({
  symbols,
  lines,
  outOfOrdernessMs,
  idleAfterMs,
}: LineWatermarkOptions): LineWatermark {
  const behindMs = outOfOrdernessMs + 1
  // Checkpointed.
  let current = Number.NEGATIVE_INFINITY
  let watermarks = new Float64Array(0) // by local line
  let active = new Uint8Array(0) // by local line
  let spokeAt = new Float64Array(0) // by local line: the newest append time of its words
  let lineOf = new Int32Array(0) // by local symbol; -1: none yet
  // Not checkpointed.
  let symbolCount = new Int32Array(0) // by local line
  let changed = new Set<number>()
  /** No line is idle at an append time up to this. */
  let nobodyIdleUntil = Number.NEGATIVE_INFINITY

  const ensureLine = (line: number): void => {
    if (line < watermarks.length) return
    watermarks = growFloat64(watermarks, line + 1, Number.NEGATIVE_INFINITY)
    active = growUint8(active, watermarks.length)
    spokeAt = growFloat64(spokeAt, watermarks.length, Number.NEGATIVE_INFINITY)
    symbolCount = growInt32(symbolCount, watermarks.length, 0)
  }
  const settle = (): void => {
    let least = Number.POSITIVE_INFINITY
    let greatest = Number.NEGATIVE_INFINITY
    for (let line = 0; line < watermarks.length; line++) {
      const own = watermarks[line] as number
      if (own > greatest) greatest = own
      if (active[line] === 1 && own < least) least = own
    }
    const found = least === Number.POSITIVE_INFINITY ? greatest : least
    if (found > current) current = found
  }
  /** Lets the lines go that have been silent for long; the look is cheap while none can be. */
  const findIdle = (appendTime: number): void => {
    let earliest = Number.POSITIVE_INFINITY
    for (let line = 0; line < active.length; line++) {
      if (active[line] !== 1) continue
      const idleFrom = (spokeAt[line] as number) + idleAfterMs
      if (appendTime > idleFrom) active[line] = 0
      else if (idleFrom < earliest) earliest = idleFrom
    }
    nobodyIdleUntil = earliest
    settle()
  }
  const prove = (line: number, time: number, appendTime: number): void => {
    ensureLine(line)
    const before = watermarks[line] as number
    active[line] = 1
    if (appendTime > (spokeAt[line] as number)) spokeAt[line] = appendTime
    if (appendTime > nobodyIdleUntil) findIdle(appendTime)
    if (time - behindMs > before) watermarks[line] = time - behindMs
    // Another line than the one that holds the others up changes nothing.
    if (before <= current) settle()
  }
  const bind = (symbol: number, line: number): void => {
    if (symbol >= lineOf.length) lineOf = growInt32(lineOf, symbol + 1, -1)
    const before = lineOf[symbol] as number
    if (before === line) return
    ensureLine(line)
    lineOf[symbol] = line
    changed.add(symbol)
    symbolCount[line] = (symbolCount[line] as number) + 1
    if (before < 0) return
    symbolCount[before] = (symbolCount[before] as number) - 1
    if (symbolCount[before] === 0) active[before] = 0
  }

  return {
    tick(symbol, line, eventTime, appendTime) {
      if (lineOf[symbol] !== line) bind(symbol, line)
      prove(line, eventTime, appendTime)
    },
    covered: prove,
    end(line) {
      ensureLine(line)
      active[line] = 0
      settle()
    },
    move(symbol, line) {
      const before = lineOf[symbol] ?? -1
      if (before < 0 || before === line) return
      bind(symbol, line)
      // It owes that symbol's time from here on, even before its first word.
      active[line] = 1
      spokeAt[line] = Math.max(spokeAt[line] as number, spokeAt[before] as number)
      settle()
    },
    get current() {
      return current
    },
    write(writer, full) {
      const known = Math.min(lines.size, watermarks.length)
      writer.f64(current)
      writer.uint(known)
      for (let line = 0; line < known; line++) {
        writer.text(lines.name(line))
        writer.f64(watermarks[line] as number)
        writer.byte(active[line] as number)
        writer.f64(spokeAt[line] as number)
      }
      const all = full ? Array.from({ length: Math.min(symbols.size, lineOf.length) }, (_, s) => s) : [...changed]
      const bound = all.filter((symbol) => (lineOf[symbol] as number) >= 0)
      writer.uint(bound.length)
      for (const symbol of bound) {
        writer.text(symbols.name(symbol))
        writer.text(lines.name(lineOf[symbol] as number))
      }
      changed = new Set()
    },
    read(reader) {
      current = reader.f64()
      const states: [line: number, isActive: number][] = []
      for (let count = reader.uint(); count > 0; count--) {
        const line = lines.localOfName(reader.text())
        ensureLine(line)
        watermarks[line] = reader.f64()
        states.push([line, reader.byte()])
        spokeAt[line] = reader.f64()
      }
      for (let count = reader.uint(); count > 0; count--)
        bind(symbols.localOfName(reader.text()), lines.localOfName(reader.text()))
      // After the symbols: whether a line is active does not follow from them alone.
      for (const [line, isActive] of states) active[line] = isActive
      changed = new Set()
      nobodyIdleUntil = Number.NEGATIVE_INFINITY
    },
  }
}
