import { type ByteReader, type ByteWriter, createByteWriter } from '../processors/core/byte-buffer.ts'
import {
  type Candle,
  closedByNames,
  type Emission,
  type EmissionKind,
  emissionNames,
  fillNames,
} from '../schemas/candle.ts'
import { candleNumbers } from '../schemas/candle-columns.ts'
import type { DeadLetter, DeadLetterReason } from '../schemas/dead-letter.ts'
import type { NamedCandles } from './named-candles.ts'
import { packSections, readAll, type StatePlace, unmoved, unpackSections } from './packed-state.ts'

/** What a commit owes to the topics: finals and corrections, and refused records. */
export interface Outbox {
  readonly finals: NamedCandles
  readonly deadLetters: readonly DeadLetter[]
}

/** The same as it was read. */
interface UnpackedOutbox {
  readonly finals: readonly Omit<Emission, 'e' | 'q'>[]
  readonly deadLetters: readonly DeadLetter[]
}

/** About what a row takes, before it is packed. */
const rowBytes = 256

const numbers = ['interval', ...candleNumbers] as const

/** Packs an outbox for its row in the store; undefined when nothing is owed. */
export function packOutbox({ finals, deadLetters }: Outbox): Uint8Array | undefined {
  const { rows, symbolName } = finals
  if (rows.length === 0 && deadLetters.length === 0) return undefined
  const candles = createByteWriter(rows.length * rowBytes)
  candles.uint(rows.length)
  const columns = numbers.map((name) => rows[name])
  for (let i = 0; i < rows.length; i++) {
    candles.byte(rows.kind[i] as number)
    candles.text(symbolName(rows.symbol[i] as number))
    for (const column of columns) candles.f64(column[i] as number)
    candles.byte(rows.closedBy[i] as number)
    candles.byte(rows.fill[i] as number)
    candles.byte(rows.partial[i] as number)
  }
  const letters = createByteWriter()
  letters.uint(deadLetters.length)
  for (const letter of deadLetters) writeDeadLetter(letters, letter)
  return packSections(
    new Map([
      ['candles', candles],
      ['dead-letters', letters],
    ]),
  )
}

export function writeDeadLetter(writer: ByteWriter, letter: DeadLetter): void {
  writer.text(letter.topic)
  writer.uint(letter.partition)
  writer.uint(letter.offset)
  for (const text of [letter.reason, letter.detail, letter.symbol, letter.source]) writer.text(text)
  writer.f64(letter.schemaId ?? -1)
  writer.bytes(letter.payload)
}

function readCandle(reader: ByteReader): Omit<Emission, 'e' | 'q'> {
  const kind: EmissionKind = emissionNames[reader.byte()] ?? 'final'
  const symbol = reader.text()
  const values = Object.fromEntries(numbers.map((name) => [name, reader.f64()])) as Record<
    (typeof numbers)[number],
    number
  >
  const candle: Candle = {
    symbol,
    ...values,
    end: values.start + values.interval * 1000,
    final: true,
    closedBy: closedByNames[reader.byte()] ?? 'open',
    fill: fillNames[reader.byte()] ?? 'traded',
    partial: reader.byte() === 1,
  }
  return { kind, candle }
}

/** Reads what `writeDeadLetter` wrote. */
export function readDeadLetter(reader: ByteReader): DeadLetter {
  const topic = reader.text()
  const partition = reader.uint()
  const offset = reader.uint()
  const reason = reader.text() as DeadLetterReason
  const detail = reader.text()
  const symbol = reader.text()
  const source = reader.text()
  const schemaId = reader.f64()
  return {
    topic,
    partition,
    offset,
    reason,
    detail,
    symbol,
    source,
    schemaId: schemaId < 0 ? null : schemaId,
    payload: reader.bytes(),
  }
}

/**
 * What of it the partition owes: its own symbols' finals, and refused records of its own log.
 *
 * @throws {FatalError} `STATE_UNREADABLE`.
 */
export function unpackOutbox(packed: Uint8Array, place: StatePlace): UnpackedOutbox {
  const [inner, moved] = unmoved(packed, place)
  const sections = unpackSections(inner)
  const finals = readAll(sections, 'candles', readCandle)
  const deadLetters = readAll(sections, 'dead-letters', readDeadLetter)
  if (moved === undefined) return { finals, deadLetters }
  return {
    finals: finals.filter(({ candle }) => !moved.isElsewhere(candle.symbol)),
    deadLetters: moved.isNewPartition ? [] : deadLetters,
  }
}
