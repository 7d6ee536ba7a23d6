import type { ByteReader, ByteWriter } from './byte-buffer.ts'
import type { Codec } from './codec.ts'

/** A value for each key, of which a checkpoint writes all, or what changed since the last one. */
export interface KeyedState<T extends object> {
  get(key: string): T | undefined
  set(key: string, value: T): void
  delete(key: string): void
  entries(): Iterable<readonly [string, T]>
  write(writer: ByteWriter, full: boolean): void
  /** Reads a full image into an empty state, then, in order, what changed. */
  read(reader: ByteReader): void
  readonly size: number
}

export function createKeyedState<T extends object>(codec: Codec<T>): KeyedState<T> {
  const values = new Map<string, T>()
  const touched = new Set<string>()
  return {
    get: (key) => values.get(key),
    set(key, value) {
      values.set(key, value)
      touched.add(key)
    },
    delete(key) {
      if (values.delete(key)) touched.add(key)
    },
    entries: () => values,
    write(writer, full) {
      const keys = full ? values : touched
      writer.uint(keys.size)
      for (const key of keys.keys()) {
        const value = values.get(key)
        writer.text(key)
        writer.byte(value === undefined ? 0 : 1)
        if (value !== undefined) codec.write(writer, value)
      }
      touched.clear()
    },
    read(reader) {
      for (let count = reader.uint(); count > 0; count--) {
        const key = reader.text()
        if (reader.byte() === 1) values.set(key, codec.read(reader))
        else values.delete(key)
      }
    },
    get size() {
      return values.size
    },
  }
}
