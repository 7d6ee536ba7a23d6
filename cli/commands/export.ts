import { createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Command, Option } from 'commander'
import type { CandleStore } from '../../ports/candle-store.ts'
import { candleCsvHeader, candleCsvLine } from '../../schemas/candle-csv.ts'
import { blindRanges } from '../../schemas/coverage.ts'
import { exitCodes, FatalError, messageOf } from '../../schemas/errors.ts'
import { type EmptyFill, emptyFill, type FillRule, fillCandles } from '../../schemas/fill.ts'
import { intervalOf, storedIntervals } from '../../schemas/intervals.ts'
import { isClosedIn } from '../../topology/calendar.ts'
import { candles } from '../../topology/candles.ts'
import { readConfig } from '../../topology/config.ts'
import { createLogger } from '../../topology/logger.ts'
import { withPorts } from '../../topology/open-ports.ts'
import { systemClock } from '../../topology/system-clock.ts'
import { globalFlags } from '../global-flags.ts'

/** Beyond every event time. */
const everMs = 8.64e15

interface ExportFlags {
  readonly out: string
  readonly interval?: keyof typeof storedIntervals
  readonly symbol?: string
  readonly fill: FillRule
}

async function* lines(store: CandleStore, flags: ExportFlags, told: { rows: number }): AsyncGenerator<string> {
  yield `${candleCsvHeader}\n`
  const interval = flags.interval === undefined ? undefined : intervalOf(flags.interval)
  const filter = {
    ...(flags.symbol === undefined ? {} : { symbol: flags.symbol }),
    ...(interval === undefined ? {} : { interval }),
  }
  const fillOf = new Map<string, EmptyFill>()
  const fill = fillCandles(flags.fill, (symbol) => fillOf.get(symbol) ?? (() => 'quiet'))
  for await (const page of store.scan(filter)) {
    let text = ''
    for (const candle of page) {
      if (flags.fill !== 'none' && !fillOf.has(candle.symbol)) {
        const { symbol } = candle
        // Candles come symbol by symbol.
        fillOf.clear()
        const blind = blindRanges(await store.coverage(symbol, -everMs, everMs))
        fillOf.set(
          symbol,
          emptyFill(blind, (start, end) => isClosedIn(candles, symbol, start, end)),
        )
      }
      for (const row of fill(candle)) {
        told.rows += 1
        text += `${candleCsvLine(row)}\n`
      }
    }
    yield text
  }
}

async function exportCandles(command: Command, flags: ExportFlags): Promise<void> {
  const { logLevel: level, json: isJson } = globalFlags(command)
  const log = createLogger({ level, isJson })
  await withPorts({ config: readConfig(), clock: systemClock, log }, ['store'], async ({ store }) => {
    const told = { rows: 0 }
    const out = flags.out === '-' ? process.stdout : createWriteStream(flags.out)
    await pipeline(Readable.from(lines(store, flags, told)), out, { end: out !== process.stdout }).catch(
      (cause: unknown) => {
        const isFile = cause instanceof Error && 'syscall' in cause
        throw isFile ? unwritable(flags.out, cause) : cause
      },
    )
    log('info', `exported ${told.rows} candles`, { file: flags.out })
  })
}

function unwritable(file: string, cause: unknown): FatalError {
  return new FatalError({
    code: 'EXPORT_UNWRITABLE',
    message: `${file} cannot be written`,
    why: messageOf(cause),
    hint: 'choose another --out',
    exitCode: exitCodes.dependency,
    cause,
  })
}

/** `export`: the stored final candles as CSV. */
export function exportCommand(program: Command): void {
  const command = program.command('export').description('write the stored final candles as CSV, sorted')
  command
    .requiredOption('--out <file>', 'where to; - for standard output')
    .addOption(new Option('--interval <name>', 'one interval only').choices(Object.keys(storedIntervals)))
    .option('--symbol <symbol>', 'one symbol only')
    .addOption(
      new Option('--fill <rule>', 'what stands for windows without trades')
        .choices(['none', 'previous_close'])
        .default('none'),
    )
    .action((flags: ExportFlags) => exportCandles(command, flags))
}
