import { FatalError } from '../../schemas/errors.ts'
import type { ByteReader, ByteWriter } from './byte-buffer.ts'
import { putWindow, readWindow, writeWindow } from './window-columns.ts'
import { placeOf, type WindowRing } from './window-rings.ts'

/** Writes the live windows of one symbol, ring by ring. */
export function writeSymbolWindows(writer: ByteWriter, rings: readonly WindowRing[], symbol: number): void {
  writer.uint(rings.length)
  for (const ring of rings) {
    const from = symbol * ring.places
    const to = from + ring.places
    const { status } = ring.columns
    let alive = 0
    for (let k = from; k < to; k++) if (status[k] !== 0) alive += 1
    writer.uint(ring.sizeMs)
    writer.uint(alive)
    for (let k = from; k < to; k++) if (status[k] !== 0) writeWindow(writer, ring.columns, k)
  }
}

/** Passes over what `writeSymbolWindows` wrote. */
export function skipSymbolWindows(reader: ByteReader): void {
  for (let rings = reader.uint(); rings > 0; rings--) {
    reader.uint()
    for (let windows = reader.uint(); windows > 0; windows--) readWindow(reader)
  }
}

/**
 * Replaces the windows of one symbol by what was written.
 *
 * @throws {FatalError} `STATE_INCOMPATIBLE` when the state holds other intervals than the topology.
 */
export function readSymbolWindows(reader: ByteReader, rings: readonly WindowRing[], symbol: number): void {
  const count = reader.uint()
  for (const ring of rings) ring.columns.status.fill(0, symbol * ring.places, (symbol + 1) * ring.places)
  for (let i = 0; i < count; i++) {
    const sizeMs = reader.uint()
    const ring = rings.find((candidate) => candidate.sizeMs === sizeMs)
    if (ring === undefined || count !== rings.length) {
      throw new FatalError({
        code: 'STATE_INCOMPATIBLE',
        message: 'the stored state belongs to a topology with other intervals',
        why: `it holds ${count} intervals, one of ${sizeMs} ms; this topology has ${rings.map((r) => r.sizeMs).join(', ')} ms`,
        hint: 'run the topology that wrote it, or use another data directory',
        exitCode: 78,
      })
    }
    for (let n = reader.uint(); n > 0; n--) {
      const window = readWindow(reader)
      putWindow(ring.columns, placeOf(ring, symbol, window.values[0] as number), window)
    }
  }
}
