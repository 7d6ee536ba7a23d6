import type { Topology } from '../topology/candle-topology.ts'
import { generatedLog } from './bench-log.ts'
import { candlesOf } from './candle-variants.ts'
import { type CoreRun, createWorker, jitterMs, runOnce } from './core.ts'
import { runEngine } from './engine-run.ts'
import { onStage } from './kafka-stage.ts'
import { type BenchOptions, type BenchOutcome, type Measures, repeated, spreadOf } from './outcome.ts'

const ticksDefault = 2_000_000
const symbolCounts = [100, 1_000, 10_000, 100_000]
const rollUps = ['5m', '15m', '30m', '1h', '4h', '1d']
const bases = ['1s', '5s', '15s', '1m', '5m', '1h']
const batchRows = [64, 256, 1_024, 4_096, 16_384]
const partitionCounts = [1, 2, 4, 8, 16]

interface CoreCase {
  readonly symbols?: number
  readonly topology?: Topology
  readonly rowsMax?: number
}

const windows = { outOfOrderness: '500ms', allowedLateness: '2m', emitEvery: '100ms' } as const

/** What is swept through the engine core, in memory; the name ends in the value. */
function coreCases(): ReadonlyMap<string, CoreCase> {
  const cases = new Map<string, CoreCase>()
  for (const symbols of symbolCounts) cases.set(`symbols ${symbols}`, { symbols })
  for (let count = 0; count <= rollUps.length; count++)
    cases.set(`intervals ${count + 1}`, {
      topology: candlesOf({ ...windows, base: '1m', rollUp: rollUps.slice(0, count) }),
    })
  for (const base of bases) cases.set(`window ${base}`, { topology: candlesOf({ ...windows, base, rollUp: [] }) })
  for (const rowsMax of batchRows) cases.set(`batch ${rowsMax}`, { rowsMax })
  return cases
}

/**
 * `sweep`: the engine core over symbols, intervals, lengths of window and sizes of batch, one at a time from the setting of `core`; and
 * `end-to-end` over partitions.
 */
export async function sweep(options: BenchOptions): Promise<BenchOutcome> {
  const { ticks = ticksDefault, symbols: symbolsUsual, runs, tell } = options
  const cases: Record<string, Measures> = {}
  // Cases on one log take turns, so that what the machine gains or loses meanwhile falls on all alike.
  const all = [...coreCases()].map(([name, one]) => ({ name, symbols: symbolsUsual, ...one }))
  for (const symbols of new Set(all.map((one) => one.symbols))) {
    const ofLog = all.filter((one) => one.symbols === symbols)
    tell(`sweep: ${ofLog.length} cases of ${symbols} symbols`)
    const log = generatedLog({ ticks, symbols, jitterMs })
    const turns = await repeated(runs, async () => {
      const turn = new Map<string, CoreRun>()
      for (const { name, topology, rowsMax } of ofLog)
        turn.set(name, runOnce(log, await createWorker(rowsMax), { topology }))
      return turn
    })
    for (const { name } of ofLog) {
      const results = turns.flatMap((turn) => turn.get(name) ?? [])
      cases[name] = {
        ticksPerSecond: spreadOf(results.map(({ seconds }) => ticks / seconds)),
        cpuMicrosPerTick: spreadOf(results.map(({ cpuMicros }) => cpuMicros / ticks)),
      }
    }
  }
  for (const partitions of partitionCounts) {
    const passes = await onStage({ ...options, ticks, partitions }, false, (stage) =>
      repeated(runs, (run) => {
        tell(run < 0 ? `sweep: partitions ${partitions}` : `sweep: partitions ${partitions}, run ${run + 1} of ${runs}`)
        return runEngine(stage, 'fast')
      }),
    )
    cases[`partitions ${partitions}`] = {
      ticksPerSecond: spreadOf(passes.map(({ ticksPerSecond }) => ticksPerSecond)),
      cpuMicrosPerTick: spreadOf(passes.map(({ cpuMicrosPerTick }) => cpuMicrosPerTick)),
    }
  }
  return { bench: 'sweep', runs, measures: { ticks }, cases }
}
