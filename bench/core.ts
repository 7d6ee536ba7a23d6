import { writeFile } from 'node:fs/promises'
import { candleOf } from '../processors/core/candle-rows.ts'
import type { Conservation } from '../processors/core/effects.ts'
import type { Candle } from '../schemas/candle.ts'
import type { CandleColumns } from '../schemas/candle-columns.ts'
import { candleCsvHeader, candleCsvLine } from '../schemas/candle-csv.ts'
import type { TickDecoder } from '../schemas/columns.ts'
import { invariant } from '../schemas/errors.ts'
import { Interner } from '../schemas/interner.ts'
import { createTickColumnDecoder } from '../schemas/tick-column-decoder.ts'
import { fileLog, generatedLog } from './bench-log.ts'
import { type CorePipelineOptions, createCorePipeline } from './core-pipeline.ts'
import { type EncodedLog, fetchLogSchema, primeDecoder, pushLog } from './encoded-log.ts'
import { type BenchOptions, type BenchOutcome, peakRssMiB, repeated, spreadOf } from './outcome.ts'

const ticksDefault = 4_000_000
/** Within the watermark's out-of-orderness: nothing is late. */
export const jitterMs = 400
const pulseEveryMs = 100
const barrierEveryMs = 1000

export interface CoreRun {
  readonly seconds: number
  readonly cpuMicros: number
  readonly finals: CandleColumns
  readonly counts: Conservation
}

/** What an engine's worker keeps for its life: the runs share it, as partitions do. */
export interface Worker {
  readonly decoder: TickDecoder
  readonly symbols: Interner
  readonly lines: Interner
}

/** @param rowsMax Of a batch. */
export async function createWorker(rowsMax?: number): Promise<Worker> {
  const symbols = new Interner()
  const lines = new Interner()
  const decoder = createTickColumnDecoder({
    symbols,
    lines,
    fetchSchema: fetchLogSchema,
    ...(rowsMax === undefined ? {} : { rowsMax }),
  })
  await primeDecoder(decoder)
  return { decoder, symbols, lines }
}

/** The log once through decoder and pipeline, with the pulses and barriers that fall into its time, and one at the end. */
export function runOnce(
  log: EncodedLog,
  { decoder, symbols, lines }: Worker,
  options: CorePipelineOptions = {},
): CoreRun {
  const pipeline = createCorePipeline(symbols, lines, options)
  const cpu = process.cpuUsage()
  const started = performance.now()
  let pulseAt = started + pulseEveryMs
  let barrierAt = started + barrierEveryMs
  pushLog(log, decoder, (batch) => {
    pipeline.process(batch)
    const now = performance.now()
    if (now >= pulseAt) {
      pipeline.pulse()
      pulseAt = now + pulseEveryMs
    }
    if (now >= barrierAt) {
      pipeline.barrier()
      barrierAt = now + barrierEveryMs
    }
  })
  pipeline.barrier()
  const seconds = (performance.now() - started) / 1000
  const { user, system } = process.cpuUsage(cpu)
  const { counts, finals } = pipeline
  const seen = counts.used + counts.late + counts.duplicate + counts.rejected
  invariant(seen >= log.ticks, `every one of ${log.ticks} ticks is accounted for, were ${seen}`)
  return { seconds, cpuMicros: user + system, finals, counts }
}

/** The last final or correction of each candle, ascending by symbol, interval, start. */
function lastOfEach(rows: CandleColumns, symbols: Interner): Candle[] {
  const last = new Map<string, Candle>()
  for (let i = 0; i < rows.length; i++) {
    const candle = candleOf(rows, i, symbols.name(rows.symbol[i] ?? 0))
    last.set(`${candle.symbol}|${candle.interval}|${candle.start}`, candle)
  }
  return [...last.values()].sort((a, b) =>
    a.symbol < b.symbol ? -1 : a.symbol > b.symbol ? 1 : a.interval - b.interval || a.start - b.start,
  )
}

/**
 * `core`: encoded ticks in memory to candles, on one core: decode, admit, deduplicate, windows of 1 m and six roll-ups.
 * With `out` the candles of the last run go to a file in the form of `export`.
 */
export async function core(options: BenchOptions): Promise<BenchOutcome> {
  const { ticks = ticksDefault, tickFile, symbols, runs, out, tell } = options
  tell('core: encodes its input')
  const log = tickFile === undefined ? generatedLog({ ticks, symbols, jitterMs }) : await fileLog(tickFile)
  tell(`core: ${log.ticks} ticks, ${Math.round(log.bytes / 1_048_576)} MiB encoded`)
  const worker = await createWorker()
  let last: CoreRun | undefined
  const results = await repeated(runs, () => {
    last = undefined
    last = runOnce(log, worker)
    const { seconds, cpuMicros } = last
    return { ticksPerSecond: log.ticks / seconds, cpuMicrosPerTick: cpuMicros / log.ticks }
  })
  const candles = last === undefined ? [] : lastOfEach(last.finals, worker.symbols)
  if (out !== undefined) await writeFile(out, `${[candleCsvHeader, ...candles.map(candleCsvLine)].join('\n')}\n`)
  return {
    bench: 'core',
    runs,
    measures: {
      ticksPerSecond: spreadOf(results.map((result) => result.ticksPerSecond)),
      cpuMicrosPerTick: spreadOf(results.map((result) => result.cpuMicrosPerTick)).median,
      rssMiB: peakRssMiB(),
      ticks: log.ticks,
      candles: candles.length,
      inputMiB: Math.round(log.bytes / 1_048_576),
    },
  }
}
