import { FatalError } from '../../schemas/errors.ts'
import type { ByteReader, ByteWriter } from './byte-buffer.ts'

/** How a value is kept in state and in internal topics: what is read is equal to what was written. */
export interface Codec<T> {
  write(writer: ByteWriter, value: T): void
  read(reader: ByteReader): T
}

/**
 * Values as JSON, for those that come back from it as they were: no NaN, no undefined, no bigint, no class of one's own.
 *
 * @throws {FatalError} `BAD_STATE_VALUE` when a value has no JSON.
 */
export function jsonCodec<T>(): Codec<T> {
  return {
    write(writer, value) {
      const text: string | undefined = JSON.stringify(value)
      if (text === undefined)
        throw new FatalError({
          code: 'BAD_STATE_VALUE',
          message: `a value of type ${typeof value} cannot be written as JSON`,
          hint: 'give the step a codec',
        })
      writer.text(text)
    },
    // What was written is a T: nothing says more of it than its text.
    read: (reader) => JSON.parse(reader.text()) as T,
  }
}

/** Any number, bit by bit. */
export const numberCodec: Codec<number> = {
  write: (writer, value) => writer.f64(value),
  read: (reader) => reader.f64(),
}

export const textCodec: Codec<string> = {
  write: (writer, value) => writer.text(value),
  read: (reader) => reader.text(),
}
