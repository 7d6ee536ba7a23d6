import { FatalError } from '../../schemas/errors.ts'
import type { ByteReader, ByteWriter } from './byte-buffer.ts'
import { putWindow, readWindow, writeWindow } from './window-columns.ts'
import { placeOf, type WindowRing } from './window-rings.ts'

/** Writes the live windows of one symbol, ring by ring. */
export function writeSymbolWindows(writer: ByteWriter, rings: readonly WindowRing[], symbol: number): void {
  writer.uint(rings.length)
  for (const ring of rings) {
    const alive: number[] = []
    for (let k = symbol * ring.places, end = k + ring.places; k < end; k++)
      if (ring.columns.status[k] !== 0) alive.push(k)
    writer.uint(ring.sizeMs)
    writer.uint(alive.length)
    for (const k of alive) writeWindow(writer, ring.columns, k)
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
