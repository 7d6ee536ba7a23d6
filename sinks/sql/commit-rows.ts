import { setImmediate } from 'node:timers/promises'
import type { Commit, PartitionCommit, Quarantine } from '../../ports/candle-store.ts'
import { emissionNames } from '../../schemas/candle.ts'
import type { CoverageChange } from '../../schemas/coverage.ts'
import type { DeadLetter, LateRange } from '../../schemas/dead-letter.ts'
import { deadLetterPayloadBytesMax } from '../../schemas/dead-letter.ts'
import { invariant } from '../../schemas/errors.ts'
import type { TableChange, TableSpec } from '../../schemas/table.ts'
import type { CopyWriter } from '../binary-copy.ts'
import { candleValues, stageExtraFields, stageFields, stageKind } from './commit-sql.ts'
import type { CommitRows } from './sql-transport.ts'
import { jsonOf } from './table-values.ts'

/** Characters of a dead letter's text that are kept: a unique index takes no longer `source`. */
const textLengthMax = 600
const candleFields = 3 + candleValues.length
const finalKind = emissionNames.indexOf('final')

/** What a commit is written with, kept from commit to commit. */
export interface CommitWriters {
  readonly staged: CopyWriter
  readonly fresh: CopyWriter
}

/**
 * A commit as rows.
 *
 * @param tables  Those that the commit writes.
 * @param isDirect  Finals go straight into their table, and not over the stage: corrections find a row there, finals find none.
 */
export async function writeCommit(
  { staged: out, fresh }: CommitWriters,
  commit: Commit,
  tables: readonly TableSpec[],
  isDirect: boolean,
): Promise<CommitRows> {
  const specs = new Map(tables.map((spec) => [spec.table, spec]))
  out.start()
  fresh.start()
  let freshRows = 0
  for (const part of commit.partitions) {
    writePosition(out, commit.topology, part)
    freshRows += writeCandles(out, isDirect ? fresh : undefined, part)
    await setImmediate() // at the end of a day both are much: others have their turn in between
    if (part.stateFull || part.state.length > 0) {
      writePayload(out, stageKind.state, commit.topology, part, part.state)
    }
    if (part.outbox !== undefined) writePayload(out, stageKind.outbox, commit.topology, part, part.outbox)
    await setImmediate()
    for (const letter of part.deadLetters) writeDeadLetter(out, letter)
    for (const range of part.lateRanges) writeLateRange(out, commit.topology, range)
    for (const [i, change] of (part.coverage ?? []).entries()) writeCoverage(out, part.partition, change, i)
    for (const change of part.tables ?? []) writeTableChange(out, part.partition, change, specs.get(change.table))
    for (const held of part.held ?? []) writeHeld(out, commit.topology, part.partition, held)
    for (const symbol of part.released ?? []) writeReleased(out, commit.topology, part.partition, symbol)
  }
  return { staged: out.finish(), fresh: freshRows === 0 ? undefined : fresh.finish() }
}

function begin(out: CopyWriter, kind: number, partition: number): void {
  out.row(stageFields)
  out.int16(kind)
  out.int32(partition)
}

function writePosition(out: CopyWriter, topology: string, part: PartitionCommit): void {
  begin(out, stageKind.position, part.partition)
  out.nulls(candleFields)
  out.text(topology)
  out.nulls(3)
  out.int64(part.epoch)
  out.int64(part.previousOffset)
  out.int64(part.nextOffset)
  out.int64(part.commitNo)
  out.int64(part.lastSeq)
  out.int64(part.outboxAckedThrough)
  out.nulls(1)
}

/** A column's value; rows below `length` are always there. */
const at = (column: { readonly [row: number]: number | undefined }, row: number): number => column[row] as number

/** @returns How many went to `fresh`. */
function writeCandles(staged: CopyWriter, fresh: CopyWriter | undefined, part: PartitionCommit): number {
  const c = part.candles
  let freshRows = 0
  for (let row = 0; row < c.length; row++) {
    const symbol = part.symbolName(at(c.symbol, row))
    invariant(!symbol.includes('\0'), 'the symbol of a candle holds no U+0000')
    const isFresh = fresh !== undefined && at(c.kind, row) === finalKind
    const out = isFresh ? fresh : staged
    if (isFresh) out.row(candleFields + 1)
    else begin(out, stageKind.candle, part.partition)
    out.text(symbol)
    out.int32(at(c.interval, row))
    out.time(at(c.start, row))
    out.float64(at(c.open, row))
    out.float64(at(c.high, row))
    out.float64(at(c.low, row))
    out.float64(at(c.close, row))
    out.float64(at(c.volume, row))
    out.float64(at(c.volumeLow, row))
    out.float64(at(c.quoteVolume, row))
    out.float64(at(c.quoteVolumeLow, row))
    out.float64(at(c.buyVolume, row))
    out.float64(at(c.buyVolumeLow, row))
    out.int64(at(c.trades, row))
    out.int64(at(c.firstTradeId, row))
    out.int64(at(c.lastTradeId, row))
    out.int64(at(c.revision, row))
    out.int64(at(c.seq, row))
    out.int16(at(c.closedBy, row))
    out.int16(at(c.fill, row))
    out.bool(at(c.partial, row) !== 0)
    if (isFresh) out.int32(part.partition)
    else out.nulls(stageExtraFields)
    freshRows += isFresh ? 1 : 0
  }
  return freshRows
}

function writePayload(out: CopyWriter, kind: number, topology: string, part: PartitionCommit, payload: Uint8Array) {
  begin(out, kind, part.partition)
  out.nulls(candleFields - 1)
  out.bool(kind === stageKind.state && part.stateFull)
  out.text(topology)
  out.nulls(6)
  out.int64(part.commitNo)
  out.nulls(2)
  out.bytes(payload)
}

/** Text of a refused record may hold anything; PostgreSQL stores all of it but U+0000. */
const storable = (text: string): string => text.replaceAll('\0', '\ufffd').slice(0, textLengthMax)

function writeDeadLetter(out: CopyWriter, letter: DeadLetter): void {
  begin(out, stageKind.deadLetter, letter.partition)
  out.text(storable(letter.symbol))
  out.nulls(candleFields - 1)
  out.text(letter.topic)
  out.text(letter.reason)
  out.text(storable(letter.detail))
  // The end of a place is what tells it from others: the line.
  out.text(storable(letter.source.slice(-textLengthMax)))
  out.int64(letter.offset)
  if (letter.schemaId === null) out.nulls(1)
  else out.int64(letter.schemaId)
  out.nulls(4)
  out.bytes(letter.payload.subarray(0, deadLetterPayloadBytesMax))
}

function writeLateRange(out: CopyWriter, topology: string, range: LateRange): void {
  begin(out, stageKind.lateRange, range.partition)
  out.text(storable(range.symbol))
  out.nulls(candleFields - 1)
  out.text(topology)
  out.text(range.reason)
  out.nulls(2)
  out.int64(range.fromOffset)
  out.int64(range.toOffset)
  out.int64(range.count)
  out.nulls(4)
}

function writeCoverage(out: CopyWriter, partition: number, change: CoverageChange, place: number): void {
  begin(out, stageKind.coverage, partition)
  out.text(storable(change.symbol))
  out.nulls(candleFields - 1 + 4)
  out.int64(change.from)
  out.int64(change.to)
  out.int64(change.kind === 'blind' ? 1 : 0)
  out.int64(place)
  out.nulls(3)
}

function writeTableChange(out: CopyWriter, partition: number, change: TableChange, spec: TableSpec | undefined): void {
  invariant(spec !== undefined, () => `table ${change.table} was ensured before a commit writes it`)
  begin(out, stageKind.tableRow, partition)
  out.nulls(candleFields)
  out.text(change.table)
  if (change.row === undefined) {
    out.nulls(1)
    out.text(jsonOf(spec, spec.key, change.key))
  } else {
    out.text(jsonOf(spec, Object.keys(spec.columns), change.row))
    out.nulls(1)
  }
  out.nulls(8)
}

function writeHeld(out: CopyWriter, topology: string, partition: number, held: Quarantine): void {
  begin(out, stageKind.held, partition)
  out.text(held.symbol)
  out.nulls(candleFields - 1)
  out.text(topology)
  out.text(storable(held.error))
  out.nulls(2)
  out.int64(held.heldFrom)
  out.int64(held.failedAt)
  out.int64(held.historyFrom)
  out.nulls(3)
  out.bytes(held.state)
}

function writeReleased(out: CopyWriter, topology: string, partition: number, symbol: string): void {
  begin(out, stageKind.released, partition)
  out.text(symbol)
  out.nulls(candleFields - 1)
  out.text(topology)
  out.nulls(stageExtraFields - 1)
}
