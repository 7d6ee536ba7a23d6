import type { Broker } from '../ports/broker.ts'
import { type OffsetSpan, readThrough } from '../ports/read-through.ts'
import type { Refusal } from '../processors/core/effects.ts'
import { pushed } from '../schemas/batch-decoder.ts'
import type { CandleColumns } from '../schemas/candle-columns.ts'
import { batchRowsMax, type ColumnBatch } from '../schemas/columns.ts'
import { controlHeader } from '../schemas/control.ts'
import type { Interner } from '../schemas/interner.ts'
import { createTickColumnDecoder } from '../schemas/tick-column-decoder.ts'
import type { Topology } from './candle-topology.ts'
import { createLogPipeline, type LogPipeline } from './log-pipeline.ts'
import type { ReplayHistory } from './replay-history.ts'

/** Records between two checkpoints of a replay: what is final by then leaves its memory. */
const checkpointRecords = 100_000

export interface LogReplayOptions {
  readonly broker: Pick<Broker, 'read'>
  readonly topic: string
  /** Partitions of the topic. */
  readonly partitions: number
  readonly spans: ReadonlyMap<number, OffsetSpan>
  readonly topology: Pick<Topology, 'watermark' | 'pipeline'>
  /** As `SchemaRegistry.schema`. */
  fetchSchema(id: number): Promise<object | undefined>
  readonly symbols: Interner
  readonly lines: Interner
  /** What markers in the log stand for; without it they are passed over. */
  readonly history?: ReplayHistory
  /** One record a batch, so that what a record does can be seen; slower. */
  readonly isStepped?: boolean
  /** After a batch went through; `columns.verdict` says what became of each row. */
  onBatch?(batch: ColumnBatch, pipeline: LogPipeline): void
  /** Finals and corrections of a checkpoint; the rows are reused. */
  onCandles(rows: CandleColumns): void
  onRefused?(refusal: Refusal): void
}

export interface LogReplayed {
  readonly records: number
  /** Records that stand for others which the log has lost (`padding`). */
  readonly lost: number
}

/** A batch of one `history` marker with its segments; without the marker where they are not to be had. */
async function withHistory(
  batch: ColumnBatch,
  partition: number,
  { historyNeeds }: LogPipeline,
  history: ReplayHistory | undefined,
): Promise<ColumnBatch> {
  const [placed] = batch.controls
  if (placed?.record.kind !== 'history' || historyNeeds === undefined) return batch
  const { upTo } = placed.record
  if (upTo <= historyNeeds.appliedTo()) return batch
  const input = await history?.read(partition, upTo, historyNeeds)
  return { ...batch, controls: input === undefined ? [] : [{ ...placed, history: input }] }
}

/**
 * Runs a topology over spans of a log, in memory and with bounded memory: no group, no store, no topic is touched.
 *
 * @throws {TransientError} `LOG_UNREAD`, `REGISTRY_UNREACHABLE`.
 */
export async function replayLog(options: LogReplayOptions): Promise<LogReplayed> {
  const { spans, symbols, lines } = options
  let records = 0
  let lost = 0
  const lanes = new Map(
    [...spans].map(([partition, { from }]) => {
      const decoder = createTickColumnDecoder({
        symbols,
        lines,
        fetchSchema: options.fetchSchema,
        rowsMax: options.isStepped === true ? 1 : batchRowsMax,
      })
      return [partition, { decoder, pipeline: createLogPipeline({ ...options, partition }), next: from, since: 0 }]
    }),
  )

  await readThrough({
    ...options,
    async take(partition, stored) {
      const lane = lanes.get(partition)
      if (lane === undefined) return
      const { decoder, pipeline } = lane
      const taken = (nextOffset: number): ColumnBatch => {
        const batch = decoder.take(partition, lane.next, nextOffset)
        lane.next = nextOffset
        return batch
      }
      const process = (batch: ColumnBatch): void => {
        pipeline.process(batch)
        options.onBatch?.(batch, pipeline)
      }
      const flush = (nextOffset: number): void => {
        if (decoder.pending > 0) process(taken(nextOffset))
      }
      for (const { offset, appendTime, value, headers } of stored) {
        const kind = headers[controlHeader]
        if (kind === 'padding') lost += 1
        if (kind === 'history') flush(offset)
        for (;;) {
          const result = decoder.push(value, 0, value?.length ?? 0, offset, appendTime, kind)
          if (result === pushed.taken) break
          if (result === pushed.full) flush(offset)
          else await decoder.resolveSchema(decoder.wantedSchemaId)
        }
        if (kind === 'history' && decoder.pending > 0) {
          // It is applied right behind a checkpoint, to what was final then.
          pipeline.checkpoint()
          process(await withHistory(taken(offset + 1), partition, pipeline, options.history))
        }
        if (options.isStepped === true || kind === 'end') flush(offset + 1)
        // The end of a line closes windows that a later tick may open again: what was final until then was stored.
        if (kind === 'end') pipeline.checkpoint()
      }
      flush((stored.at(-1)?.offset ?? lane.next) + 1)
      records += stored.length
      lane.since += stored.length
      if (lane.since < checkpointRecords) return
      lane.since = 0
      pipeline.checkpoint()
    },
  })
  for (const { pipeline } of lanes.values()) pipeline.checkpoint()
  return { records, lost }
}
