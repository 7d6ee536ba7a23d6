import type { PartitionCheckpoint, PartitionCommit } from '../../ports/candle-store.ts'
import { conservationBreach, createConservation, type Effects } from '../../processors/core/effects.ts'
import type { Flow, StreamElement } from '../../processors/core/stream-element.ts'
import type { Flag, StreamRecord } from '../../processors/core/stream-record.ts'
import { createSymbolIndex } from '../../processors/core/symbol-index.ts'
import type { SourceBatch } from '../../schemas/batch-decoder.ts'
import { createCandleColumns } from '../../schemas/candle-columns.ts'
import type { DeadLetter } from '../../schemas/dead-letter.ts'
import { invariant } from '../../schemas/errors.ts'
import type { Interner } from '../../schemas/interner.ts'
import type { TableChange } from '../../schemas/table.ts'
import { createLateRanges } from '../late-ranges.ts'
import { createPipelineHost } from '../pipeline-host.ts'
import type { PreparedCommit, Runner } from '../stage.ts'
import { composeStage } from './compose.ts'
import type { StageDeclaration } from './declaration.ts'
import { type Owed, packRecordOutbox, type RecordOutbox } from './owed.ts'
import type { EndWriter } from './stage-end.ts'

/** A commit of one partition of a stage of records, with what it owes. */
export interface PreparedRecords extends PreparedCommit {
  readonly outbox: RecordOutbox
}

/** One partition of a stage of records under one epoch. */
export interface RecordRunner extends Runner<SourceBatch, PreparedRecords> {
  /** How far time is at the end of the stage, epoch ms; -Infinity before it is known. */
  readonly watermark: number
  /** Sends the cadence through; `now` is the wall clock, epoch ms. */
  pulse(now: number): void
  /** Whether it has been silent for long: if its topic holds nothing more, `setIdle`. */
  seemsIdle(now: number): boolean
  /** The topic holds nothing more than what was processed: this partition holds nothing up until something comes. */
  setIdle(): void
  /** A record that could not be delivered: a dead letter of the next commit. */
  undeliverable(owed: Owed, why: string): void
}

export interface RecordRunnerOptions {
  readonly declaration: StageDeclaration
  readonly topic: string
  /** Partitions of the topic. */
  readonly partitions: number
  readonly inputPartitions: readonly number[]
  readonly checkpoint: PartitionCheckpoint
  readonly symbols: Interner
  readonly lines: Interner
  readonly end: EndWriter
  /** A source that was silent for so long, and has nothing more, holds nothing up. */
  readonly idleAfterMs: number
  now(): number
  onAlarm(name: string): void
}

const lettersTextMax = 500
/** What is owed counts as one more that waits for each of these bytes: `pendingMax` of them are 40 MB. */
const bytesPerPending = 4096

export function createRecordRunner(options: RecordRunnerOptions): RecordRunner {
  // What the runner goes on using, one by one: `options` would keep the checkpoint's states for as long as it lives.
  const { declaration, topic, checkpoint, symbols, end, now: wallClock, idleAfterMs, onAlarm } = options
  const { partition, epoch } = checkpoint
  let { nextOffset, commitNo, lastSeq } = checkpoint
  let committedOffset = checkpoint.nextOffset
  let counts = createConservation()
  let letters: DeadLetter[] = []
  let late = createLateRanges<string>()
  let owed: Owed[] = []
  let owedBytes = 0
  let tables = new Map<string, TableChange>()
  let outcome: ReturnType<Effects['takeOutcome']>
  let watermark = Number.NEGATIVE_INFINITY
  let toldWatermark = Number.NEGATIVE_INFINITY
  let activeAt = wallClock()
  let isSilent = false
  /** Of an internal topic: silence there says nothing, only its sources know. */
  let sourcesAreIdle: (() => boolean) | undefined
  const idle = (): boolean => sourcesAreIdle?.() ?? isSilent
  /** Undefined where only an earlier owner knows. */
  let isIdleTold: boolean | undefined

  const letter = (one: Pick<DeadLetter, 'offset' | 'reason' | 'detail'> & Partial<DeadLetter>): void => {
    letters.push({
      topic,
      partition,
      schemaId: null,
      source: '',
      payload: new Uint8Array(),
      ...one,
      detail: one.detail.slice(0, lettersTextMax),
      symbol: (one.symbol ?? '').slice(0, 64),
    })
  }
  const effects: Effects = {
    get counts() {
      return counts
    },
    deadLetter: letter,
    // Only steps on columns skip by number; what comes of them is counted by their door.
    skipped: (offset, symbol, reason) => late.add(offset, symbols.name(symbol), reason),
    refuse({ offset, key, stepId, result, detail }) {
      outcome ??= result
      if (result !== 'rejected') late.add(offset, key, result)
      else
        letter({
          ...{ offset, reason: 'USER_ERROR', detail: `${stepId}: ${detail}`, symbol: key },
          // A record may be refused by several steps, and many windows share the record that closed them: each is a
          // letter of its own.
          source: `${topic}/${partition}@${offset} in ${declaration.name} ${stepId} ${++lastSeq}`,
        })
    },
    takeOutcome() {
      const taken = outcome
      outcome = undefined
      return taken
    },
    alarm: onAlarm,
  }

  const put = (record: StreamRecord<unknown, Flag>, side: string | undefined): void => {
    for (const result of end.write(record, side, partition, watermark, () => ++lastSeq)) {
      if ('trouble' in result)
        effects.refuse({ ...record, stepId: result.sink, result: 'rejected', detail: result.trouble })
      else if ('table' in result) tables.set(`${result.table} ${JSON.stringify(result.key)}`, result)
      else {
        owed.push(result)
        owedBytes += result.value.length
      }
    }
  }
  const host = createPipelineHost<SourceBatch, StreamRecord<unknown, Flag>>({
    pipeline: composeStage(declaration),
    states: checkpoint.states,
    context: {
      partition,
      partitions: options.partitions,
      inputPartitions: options.inputPartitions,
      symbols: createSymbolIndex(symbols),
      lines: createSymbolIndex(options.lines),
      watermark: declaration.watermark,
      effects,
      offerIdleness(ask) {
        sourcesAreIdle = ask
      },
    },
    onElement(element: StreamElement<StreamRecord<unknown, Flag>> | Flow<unknown, Flag>) {
      if (element.kind === 'rows') put(element.rows, undefined)
      else if (element.kind === 'side') put(element.record, element.name)
      else if (element.kind === 'watermark') watermark = Math.max(watermark, element.watermark)
    },
  })
  // What was restored was told by whoever committed it.
  if (options.inputPartitions.length > 0) isIdleTold = idle()

  /** Time goes on for those who read what this stage writes, also where no record does. */
  const tellTime = (): void => {
    const isIdle = idle()
    if (watermark > toldWatermark || isIdle !== isIdleTold)
      owed.push(...end.time(isIdle ? 'idle' : 'watermark', partition, watermark, () => ++lastSeq))
    toldWatermark = watermark
    isIdleTold = isIdle
  }

  return {
    partition,
    epoch,
    get nextOffset() {
      return nextOffset
    },
    get watermark() {
      return watermark
    },
    get pending() {
      return letters.length + late.size + owed.length + tables.size + Math.floor(owedBytes / bytesPerPending)
    },
    get hasNews() {
      return (
        nextOffset > committedOffset ||
        letters.length + owed.length + tables.size > 0 ||
        idle() !== (isIdleTold ?? false)
      )
    },
    process(batch) {
      invariant(
        batch.baseOffset === nextOffset,
        () => `a batch goes on from offset ${nextOffset}, was ${batch.baseOffset}`,
      )
      activeAt = wallClock()
      isSilent = false
      host.push({ kind: 'rows', rows: batch })
      nextOffset = batch.nextOffset
    },
    pulse(now) {
      host.push({ kind: 'pulse', now })
      effects.takeOutcome()
    },
    seemsIdle: (now) => sourcesAreIdle === undefined && !isSilent && now - activeAt > idleAfterMs,
    setIdle() {
      isSilent = true
    },
    undeliverable({ name, key, seq }, why) {
      letter({
        ...{ offset: nextOffset, reason: 'USER_ERROR', detail: `${name}: ${why}`, symbol: key },
        source: `${topic}/${partition} in ${declaration.name} ${name} ${seq}`,
      })
    },
    prepare(outboxAckedThrough) {
      const { state, stateFull } = host.checkpoint()
      tellTime()
      if (conservationBreach(counts) !== 0) onAlarm('conservation_breach')
      const outbox: RecordOutbox = { owed, deadLetters: letters }
      const taken = counts
      commitNo += 1
      const commit: PartitionCommit = {
        ...{ partition, epoch, nextOffset, commitNo, lastSeq, state, stateFull, outboxAckedThrough },
        previousOffset: committedOffset,
        candles: createCandleColumns(0),
        symbolName: (id) => symbols.name(id),
        outbox: packRecordOutbox(outbox),
        deadLetters: letters,
        lateRanges: late.take(partition, (key) => key),
        tables: [...tables.values()],
        coverage: [],
      }
      committedOffset = nextOffset
      letters = []
      owed = []
      owedBytes = 0
      late = createLateRanges<string>()
      tables = new Map()
      counts = createConservation()
      return { commit, outbox, deadLetters: outbox.deadLetters, counts: taken }
    },
  }
}
