import type { Command } from 'commander'
import { exitCodes, FatalError } from '../../schemas/errors.ts'
import { intervalOf, storedIntervals } from '../../schemas/intervals.ts'
import { baseSecondsOf } from '../../topology/candle-topology.ts'
import { candles } from '../../topology/candles.ts'
import { type Explanation, explainCandle } from '../../topology/explain.ts'
import { explanationText } from '../../topology/explain-text.ts'
import { parseInstant, parseNumber } from '../../topology/feed-options.ts'
import { globalFlags } from '../global-flags.ts'
import { withServices } from '../services.ts'

const limitMax = 1_000_000

function intervalSecondsOf(name: string): number {
  const interval = intervalOf(name)
  if (interval !== undefined) return interval
  throw new FatalError({
    code: 'USAGE',
    message: `${name} is no stored interval`,
    why: 'a candle is named by symbol, interval and time',
    hint: `give one of ${Object.keys(storedIntervals).join(', ')}`,
    exitCode: exitCodes.usage,
  })
}

function explanationJson(explanation: Explanation): string {
  const { used, late, duplicate, rejected, unreadable, corrections, close, history } = explanation.witness
  const { witness: _, ...rest } = explanation
  return JSON.stringify({ ...rest, used, late, duplicate, rejected, unreadable, corrections, close, history })
}

async function explain(
  command: Command,
  symbol: string,
  intervalText: string,
  time: string,
  flags: { readonly limit: string },
): Promise<void> {
  const limit = parseNumber('--limit', flags.limit, 0, limitMax)
  const interval = intervalSecondsOf(intervalText)
  const at = parseInstant('<time>', time)
  const { json } = globalFlags(command)
  await withServices(command, async ({ broker, registry, store, clock, topics }) => {
    const explanation = await explainCandle({
      ...{ broker, registry, store, clock, topic: topics.ticks, historyTopic: topics.history },
      ...{ topology: candles, symbol, interval, at, limit },
      baseInterval: baseSecondsOf(candles),
    })
    process.stdout.write(`${json ? explanationJson(explanation) : explanationText(explanation, limit)}\n`)
    const { verdict } = explanation
    if (verdict === 'different' || verdict === 'unverified') process.exitCode = exitCodes.failure
  })
}

/** `explain`: how one candle came about, read again from the log, and whether the stored row is that. */
export function explainCommand(program: Command): void {
  const command = program
    .command('explain <symbol> <interval> <time>')
    .description('read a candle again from the log: its ticks, what closed it, and whether the stored row is right')
  command
    .option('--limit <number>', 'ticks of each kind that are printed, at most', '20')
    .addHelpText(
      'after',
      '\nExits 1 where the stored row is not what the log gives, or cannot be verified.\n\nExample:\n  npm run explain -- BTC-USDT 1m 2024-08-08T23:58Z',
    )
    .action((symbol: string, interval: string, time: string, flags: { readonly limit: string }) =>
      explain(command, symbol, interval, time, flags),
    )
}
