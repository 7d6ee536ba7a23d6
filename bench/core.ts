import { writeFile } from 'node:fs/promises'
import type { Candle } from '../schemas/candle.ts'
import { candleCsvHeader, candleCsvLine } from '../schemas/candle-csv.ts'
import { invariant } from '../schemas/errors.ts'
import { Interner } from '../schemas/interner.ts'
import { createTickColumnDecoder } from '../schemas/tick-column-decoder.ts'
import type { TickDecoder } from '../schemas/tick-decoder.ts'
import { candles as topology } from '../topology/candles.ts'
import { createPartitionRunner, type PreparedCommit } from '../topology/partition-runner.ts'
import { fileLog, generatedLog } from './bench-log.ts'
import { type EncodedLog, fetchLogSchema, primeDecoder, pushLog } from './encoded-log.ts'
import { type BenchOptions, type BenchOutcome, peakRssMiB, repeated, spreadOf } from './outcome.ts'

const ticksDefault = 4_000_000
/** Within the watermark's out-of-orderness: nothing is late. */
const jitterMs = 400
const pulseEveryMs = 100
const barrierEveryMs = 1000

interface CoreRun {
  readonly seconds: number
  readonly cpuMicros: number
  readonly commits: readonly PreparedCommit[]
}

/** What an engine's worker keeps for its life: the runs share it, as partitions do. */
interface Worker {
  readonly decoder: TickDecoder
  readonly symbols: Interner
  readonly lines: Interner
}

async function createWorker(): Promise<Worker> {
  const symbols = new Interner()
  const lines = new Interner()
  const decoder = createTickColumnDecoder({ symbols, lines, fetchSchema: fetchLogSchema })
  await primeDecoder(decoder)
  return { decoder, symbols, lines }
}

/** The log once through decoder and pipeline, with the pulses and checkpoints that fall into its time, and one at the end. */
function runOnce(log: EncodedLog, { decoder, symbols, lines }: Worker): CoreRun {
  const runner = createPartitionRunner({
    topology,
    topic: 'ticks',
    checkpoint: { partition: 0, epoch: 1, nextOffset: 0, commitNo: 0, lastSeq: 0, states: [], outbox: [] },
    symbols,
    lines,
    onAlarm: () => undefined,
  })
  const commits: PreparedCommit[] = []
  const commit = (): void => {
    commits.push(runner.prepare(commits.length))
    runner.settled()
  }
  const cpu = process.cpuUsage()
  const started = performance.now()
  let pulseAt = started + pulseEveryMs
  let barrierAt = started + barrierEveryMs
  pushLog(log, decoder, (batch) => {
    runner.process(batch)
    const now = performance.now()
    if (now >= pulseAt) {
      runner.pulse()
      pulseAt = now + pulseEveryMs
    }
    if (now >= barrierAt) {
      commit()
      barrierAt = now + barrierEveryMs
    }
  })
  commit()
  const seconds = (performance.now() - started) / 1000
  const { user, system } = process.cpuUsage(cpu)
  const seen = commits.reduce((sum, { counts }) => sum + counts.used + counts.late + counts.duplicate, 0)
  const refused = commits.reduce((sum, { deadLetters }) => sum + deadLetters.length, 0)
  invariant(seen + refused >= log.ticks, `every one of ${log.ticks} ticks is accounted for, were ${seen + refused}`)
  return { seconds, cpuMicros: user + system, commits }
}

/** The last final or correction of each candle, ascending by symbol, interval, start. */
function finalCandles(commits: readonly PreparedCommit[]): Candle[] {
  const last = new Map<string, Candle>()
  for (const { finals } of commits)
    for (const { candle } of finals) last.set(`${candle.symbol}|${candle.interval}|${candle.start}`, candle)
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
  const candles = last === undefined ? [] : finalCandles(last.commits)
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
