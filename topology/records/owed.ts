import { type ByteReader, createByteWriter } from '../../processors/core/byte-buffer.ts'
import type { DeadLetter } from '../../schemas/dead-letter.ts'
import { readDeadLetter, writeDeadLetter } from '../outbox.ts'
import { packSections, readAll, unpackSections } from '../packed-state.ts'

/** A record that a commit owes to a topic, or to a callback. */
export interface Owed {
  readonly to: 'topic' | 'callback'
  /** Name of the topic (with the platform's prefix) or of the callback. */
  readonly name: string
  readonly partition: number
  readonly key: string
  readonly value: Uint8Array
  /** Number within the stage's partition: grows, and never restarts. */
  readonly seq: number
  readonly flag: string
}

/** What a commit of a stage of records owes. */
export interface RecordOutbox {
  readonly owed: readonly Owed[]
  readonly deadLetters: readonly DeadLetter[]
}

/** Packs an outbox for its row in the store; undefined when nothing is owed. */
export function packRecordOutbox({ owed, deadLetters }: RecordOutbox): Uint8Array | undefined {
  if (owed.length === 0 && deadLetters.length === 0) return undefined
  const records = createByteWriter()
  records.uint(owed.length)
  for (const { to, name, partition, key, value, seq, flag } of owed) {
    records.byte(to === 'topic' ? 0 : 1)
    records.text(name)
    records.uint(partition)
    records.text(key)
    records.bytes(value)
    records.uint(seq)
    records.text(flag)
  }
  const letters = createByteWriter()
  letters.uint(deadLetters.length)
  for (const letter of deadLetters) writeDeadLetter(letters, letter)
  return packSections(
    new Map([
      ['records', records],
      ['dead-letters', letters],
    ]),
  )
}

function readOwed(reader: ByteReader): Owed {
  return {
    to: reader.byte() === 0 ? 'topic' : 'callback',
    name: reader.text(),
    partition: reader.uint(),
    key: reader.text(),
    value: reader.bytes(),
    seq: reader.uint(),
    flag: reader.text(),
  }
}

/** @throws {FatalError} `STATE_UNREADABLE`. */
export function unpackRecordOutbox(packed: Uint8Array): RecordOutbox {
  const sections = unpackSections(packed)
  return {
    owed: readAll(sections, 'records', readOwed),
    deadLetters: readAll(sections, 'dead-letters', readDeadLetter),
  }
}
