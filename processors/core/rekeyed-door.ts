import { exitCodes, FatalError } from '../../schemas/errors.ts'
import type { ByteReader, ByteWriter } from './byte-buffer.ts'
import type { Envelope } from './envelope.ts'
import { createCombinedWatermark } from './windows/combined-watermark.ts'

/** What an envelope comes to. */
export type Entered = 'new' | 'repeated' | 'unknown'

/** The door of a partition of an internal topic: drops repeats, and combines the watermarks of what writes to it. */
export interface RekeyedDoor {
  /**
   * Takes an envelope in; ask for the watermark afterwards.
   *
   * @returns Whether it is new; `unknown` where there is no such input or source partition.
   */
  enter(envelope: Envelope): Entered
  /** Least watermark of the active source partitions of all inputs; -Infinity before each had one. */
  readonly watermark: number
  /** Whether all source partitions said that they are idle. */
  readonly isIdle: boolean
  write(writer: ByteWriter): void
  /** @throws {FatalError} `STATE_INCOMPATIBLE` where it was written of other inputs: numbers would be another source's. */
  read(reader: ByteReader): void
}

/**
 * @param partitions Of each input, by its number.
 */
export function createRekeyedDoor(partitions: readonly number[]): RekeyedDoor {
  const firsts: number[] = []
  let count = 0
  for (const size of partitions) {
    firsts.push(count)
    count += size
  }
  const watermarks = createCombinedWatermark({ inputs: Array.from({ length: count }, (_, i) => i), wakes: 'status' })
  const seqs = new Float64Array(count)

  return {
    enter({ input, source, seq, watermark, kind }) {
      const size = partitions[input]
      if (size === undefined || source >= size) return 'unknown'
      const at = (firsts[input] as number) + source
      if (seq <= (seqs[at] as number)) return 'repeated'
      seqs[at] = seq
      if (kind === 'idle') {
        watermarks.advance(at, watermark)
        watermarks.setIdle(at)
      } else {
        watermarks.setActive(at)
        watermarks.advance(at, watermark)
      }
      return 'new'
    },
    get watermark() {
      return watermarks.current
    },
    get isIdle() {
      return watermarks.isIdle
    },
    write(writer) {
      writer.uint(partitions.length)
      for (const size of partitions) writer.uint(size)
      for (const seq of seqs) writer.uint(seq)
      watermarks.write(writer)
    },
    read(reader) {
      const written = Array.from({ length: reader.uint() }, () => reader.uint())
      if (written.join() !== partitions.join())
        throw new FatalError({
          code: 'STATE_INCOMPATIBLE',
          message: `an internal topic was written by ${shown(written)}, now by ${shown(partitions)}`,
          why: 'what was read of each is known by its place among them',
          hint: 'give the topology its old inputs back, or another name',
          exitCode: exitCodes.config,
        })
      for (let i = 0; i < count; i++) seqs[i] = reader.uint()
      watermarks.read(reader)
    },
  }
}

const shown = (partitions: readonly number[]): string =>
  `${partitions.length} inputs of ${partitions.join(', ')} partitions`
