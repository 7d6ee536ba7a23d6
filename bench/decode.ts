import { invariant } from '../schemas/errors.ts'
import { Interner } from '../schemas/interner.ts'
import { createTickColumnDecoder } from '../schemas/tick-column-decoder.ts'
import { generatedLog } from './bench-log.ts'
import { type EncodedLog, fetchLogSchema, primeDecoder, pushLog } from './encoded-log.ts'
import { type BenchOptions, type BenchOutcome, peakRssMiB, repeated, significant, spreadOf } from './outcome.ts'

const ticksDefault = 1_000_000
const jitterMs = 400

async function ticksPerSecond(log: EncodedLog, compile: boolean): Promise<number> {
  const decoder = createTickColumnDecoder({
    symbols: new Interner(),
    lines: new Interner(),
    fetchSchema: fetchLogSchema,
    compile,
  })
  await primeDecoder(decoder)
  let rows = 0
  const started = performance.now()
  pushLog(log, decoder, ({ columns }) => {
    rows += columns.length
  })
  const seconds = (performance.now() - started) / 1000
  invariant(rows === log.ticks, `every one of ${log.ticks} ticks is a row, were ${rows}`)
  return rows / seconds
}

/** `decode`: framed Avro values to columns, by the compiled reader and by the general one through avsc. */
export async function decode(options: BenchOptions): Promise<BenchOutcome> {
  const { ticks = ticksDefault, symbols, runs, tell } = options
  const log = generatedLog({ ticks, symbols, jitterMs })
  tell(`decode: ${log.ticks} ticks by the compiled reader`)
  const compiled = spreadOf(await repeated(runs, () => ticksPerSecond(log, true)))
  tell(`decode: ${log.ticks} ticks by the general reader`)
  const general = spreadOf(await repeated(runs, () => ticksPerSecond(log, false)))
  return {
    bench: 'decode',
    runs,
    measures: { speedUp: significant(compiled.median / general.median), ticks: log.ticks, rssMiB: peakRssMiB() },
    cases: { compiled: { ticksPerSecond: compiled }, general: { ticksPerSecond: general } },
  }
}
