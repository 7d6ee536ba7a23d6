import { candleOf } from '../../processors/core/candle-rows.ts'
import { type Duration, durationMs } from '../../processors/operators/duration.ts'
import type { Candle, Emission } from '../../schemas/candle.ts'
import type { ColumnBatch } from '../../schemas/columns.ts'
import type { DeadLetter } from '../../schemas/dead-letter.ts'
import { invariant } from '../../schemas/errors.ts'
import { Interner } from '../../schemas/interner.ts'
import { partitionOfKey } from '../../schemas/partitioner.ts'
import { createTickColumnDecoder } from '../../schemas/tick-column-decoder.ts'
import { emitEveryMsOf, type Topology } from '../candle-topology.ts'
import type { HeldReplay } from '../held-replay.ts'
import type { HistoryReader } from '../history-reader.ts'
import { unpackOutbox } from '../outbox.ts'
import { createPartitionRunner, type PartitionRunner, type PreparedCandles } from '../partition-runner.ts'
import { createDrivenStage, type DrivenLate, type Place, type StageCounts } from './driven-stage.ts'
import { createInterleaving } from './interleaving.ts'
import { createMemoryLog } from './memory-log.ts'
import type { CommitOptions, TopologyDriverOptions } from './record-driver.ts'
import { countOf, createSchemaIds, type TickInput, tickWriter } from './record-world.ts'
import { keptBytes } from './state-bytes.ts'
import { pulseTimes } from './wall-clock.ts'

/** An update of an open candle, and when it came. */
export interface DrivenUpdate {
  /** Wall clock, epoch ms. */
  readonly at: number
  readonly candle: Candle
}

/** A topology of candles on partitions in memory. */
export interface CandleTopologyDriver {
  /** The wall clock, epoch ms. */
  readonly now: number
  /** Appends ticks and control records to the source topic, at the driver's clock, and processes them. */
  pipe(inputs: readonly TickInput[]): void
  /** Appends a value as it is, e.g. one that nobody can read. */
  pipeBytes(partition: number, value: Uint8Array | null): void
  /** Moves the clock: updates of open candles come at the topology's cadence. */
  advanceWallClock(duration: Duration): void
  commit(options?: CommitOptions): void
  /** What was not committed is gone; another process takes over, and publishes again what it cannot know to be published. */
  crash(place?: Place): void
  /** The table of finals, as committed: ascending by symbol, interval and start. */
  candles(): readonly Candle[]
  /** Candles of a symbol and interval (seconds) that are not committed finals, ascending by start. */
  open(symbol: string, interval: number): readonly Candle[]
  /** Updates so far, in order. */
  updates(): readonly DrivenUpdate[]
  /** Finals and corrections that were published, in order, repeats included. */
  published(): readonly Omit<Emission, 'e' | 'q'>[]
  /** As committed. */
  deadLetters(): readonly DeadLetter[]
  late(): readonly DrivenLate[]
  counts(): readonly StageCounts[]
  /** Names of alarms, in order. */
  alarms(): readonly string[]
  /** Committed bytes that the steps keep beyond those of empty ones; symbols that were seen are kept for good. */
  stateBytes(): number
}

/** Nothing asks for it: `pipe` takes no markers of history. */
const noHistory: HistoryReader = { read: async () => undefined }
/** Nothing asks for it: no key is held here. */
const noReplay: HeldReplay = async () => ({ isDone: false, why: 'the driver holds no key' })
const startMsDefault = 1_700_000_000_000

export function createCandleDriver(topology: Topology, options: TopologyDriverOptions = {}): CandleTopologyDriver {
  const { name, source, watermark, pipeline } = topology
  const { topic } = source
  const interleaving = createInterleaving(options.seed)
  const log = createMemoryLog()
  const ids = createSchemaIds()
  const partitions = countOf(options.partitions, topic)
  const finals = new Map<string, Candle>()
  const updates: DrivenUpdate[] = []
  const published: Omit<Emission, 'e' | 'q'>[] = []
  const alarms: string[] = []
  /** Of the process that owns a partition. */
  const symbolsOf = new Map<number, Interner>()
  let now = options.startMs ?? startMsDefault
  log.makeTopic(topic, partitions)
  const write = tickWriter(log, topic, partitions, ids)

  const stage = createDrivenStage<ColumnBatch, PreparedCandles, PartitionRunner>({
    ...{ name, topic, partitions, log, interleaving },
    open(checkpoint) {
      const own = { symbols: new Interner(), lines: new Interner() }
      symbolsOf.set(checkpoint.partition, own.symbols)
      const decoder = createTickColumnDecoder({ ...own, fetchSchema: async () => undefined, schemas: ids.schemas })
      const runner = createPartitionRunner({
        ...{ topology, topic, partitions, checkpoint, ...own, history: noHistory },
        ...{ suspects: [], replay: noReplay },
        onAlarm: (alarm) => void alarms.push(alarm),
      })
      return { runner, decoder }
    },
    store(prepared) {
      const { rows, symbolName } = prepared.finals
      for (let i = 0; i < rows.length; i++) {
        const candle = candleOf(rows, i, symbolName(rows.symbol[i] ?? 0))
        finals.set(JSON.stringify([candle.symbol, candle.interval, candle.start]), candle)
      }
    },
    publish(runner, payload) {
      published.push(...unpackOutbox(payload, { partition: runner.partition, partitions }).finals)
      runner.settled()
    },
  })
  const pulse = (): void => {
    for (const runner of interleaving.order(stage.runners())) {
      const rows = runner.pulse(now)
      const symbols = symbolsOf.get(runner.partition)
      for (let i = 0; i < rows.length; i++)
        updates.push({ at: now, candle: candleOf(rows, i, symbols?.name(rows.symbol[i] ?? 0) ?? '') })
    }
  }
  const takeOver = (partition: number): void => stage.takeOver(partition)

  return {
    get now() {
      return now
    },
    pipe(inputs) {
      for (const input of inputs) write(input, now)
      stage.drain()
    },
    pipeBytes(partition, value) {
      log.append(topic, [{ partition, key: null, value }], now)
      stage.drain()
    },
    advanceWallClock(duration) {
      for (const time of pulseTimes(now, durationMs(duration), emitEveryMsOf(topology))) {
        now = time
        pulse()
      }
    },
    commit(place = {}) {
      for (const partition of interleaving.order(stage.partitionsOf(place))) {
        stage.commit(partition, place.dies === true)
        if (place.dies === true) takeOver(partition)
      }
      stage.drain()
    },
    crash(place = {}) {
      for (const partition of interleaving.order(stage.partitionsOf(place))) takeOver(partition)
      stage.drain()
    },
    candles: () => [...finals.values()].sort(bySymbolIntervalStart),
    open(symbol, interval) {
      const partition = partitionOfKey(symbol, partitions)
      const runner = stage.runners()[partition]
      const symbols = symbolsOf.get(partition)
      invariant(runner !== undefined && symbols !== undefined, `${topic} has a partition ${partition}`)
      return runner.open(symbols.internName(symbol), interval)
    },
    updates: () => updates,
    published: () => published,
    deadLetters: () => stage.deadLetters,
    late: () => stage.late,
    counts: () => stage.counts,
    alarms: () => alarms,
    stateBytes: () =>
      stage.partitionsOf({}).reduce((sum, partition) => {
        const from = { pipeline, partition, partitions, inputPartitions: [], watermark }
        return [...keptBytes(from, stage.states(partition)).values()].reduce((all, bytes) => all + bytes, sum)
      }, 0),
  }
}

function bySymbolIntervalStart(a: Candle, b: Candle): number {
  if (a.symbol !== b.symbol) return a.symbol < b.symbol ? -1 : 1
  return a.interval - b.interval || a.start - b.start
}
