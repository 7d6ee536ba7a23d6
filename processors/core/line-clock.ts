import type { ByteReader, ByteWriter } from './byte-buffer.ts'
import { growFloat64 } from './grow.ts'
import type { SymbolIndex } from './symbol-index.ts'

/** Gaps of coverage that a line remembers at most; the oldest goes first. */
export const lineGapsMax = 256

/** Time that a line did not cover; what lies before its first heartbeat begins at -Infinity. */
export interface Gap {
  readonly from: number
  readonly to: number
}

/** Event time of the lines of one partition: watermark by ticks, coverage by heartbeats. */
export interface LineClock {
  /** Watermark of each local line; -Infinity before its first tick. Grown by `ensure`; read it anew after that. */
  readonly watermark: Float64Array<ArrayBuffer>
  ensure(size: number): void
  /** Takes a heartbeat. @returns Whether the covered time grew. */
  heartbeat(line: number, from: number, to: number): boolean
  /** End of the covered time; -Infinity before the first heartbeat. */
  coveredTo(line: number): number
  /** Time that the line did not cover, as far as heartbeats tell, oldest first. */
  gaps(line: number): readonly Gap[]
  write(writer: ByteWriter): void
  read(reader: ByteReader): void
}

const none: readonly Gap[] = []

export function createLineClock(lines: SymbolIndex): LineClock {
  let watermark = new Float64Array(0)
  let covered = new Float64Array(0)
  const gaps: Gap[][] = []
  const ensure = (size: number): void => {
    if (size <= watermark.length) return
    watermark = growFloat64(watermark, size, Number.NEGATIVE_INFINITY)
    covered = growFloat64(covered, watermark.length, Number.NEGATIVE_INFINITY)
  }
  const gapsOf = (line: number): Gap[] => {
    let found = gaps[line]
    if (found === undefined) gaps[line] = found = []
    return found
  }
  return {
    get watermark() {
      return watermark
    },
    ensure,
    heartbeat(line, from, to) {
      ensure(line + 1)
      const last = covered[line] as number
      if (to <= last) return false
      if (from > last) {
        const known = gapsOf(line)
        known.push({ from: last, to: from })
        if (known.length > lineGapsMax) known.shift()
      }
      covered[line] = to
      return true
    },
    coveredTo: (line) => covered[line] ?? Number.NEGATIVE_INFINITY,
    gaps: (line) => gaps[line] ?? none,
    write(writer) {
      const count = Math.min(lines.size, watermark.length)
      writer.uint(count)
      for (let line = 0; line < count; line++) {
        writer.text(lines.name(line))
        writer.f64(watermark[line] as number)
        writer.f64(covered[line] as number)
        const known = gaps[line] ?? []
        writer.uint(known.length)
        for (const gap of known) {
          writer.f64(gap.from)
          writer.f64(gap.to)
        }
      }
    },
    read(reader) {
      for (let count = reader.uint(); count > 0; count--) {
        const line = lines.localOfName(reader.text())
        ensure(line + 1)
        watermark[line] = reader.f64()
        covered[line] = reader.f64()
        const known: Gap[] = []
        for (let n = reader.uint(); n > 0; n--) known.push({ from: reader.f64(), to: reader.f64() })
        gaps[line] = known
      }
    },
  }
}
