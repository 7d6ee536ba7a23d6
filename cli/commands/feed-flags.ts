import type { Command } from 'commander'
import { Option } from 'commander'
import {
  type FeedOptions,
  feedNames,
  parseDuration,
  parseInstant,
  parseNumber,
  parseSpeed,
} from '../../topology/feed-options.ts'

interface FeedFlags {
  readonly feed: FeedOptions['feed']
  readonly replayFile?: string
  readonly replaySpeed: string
  readonly replayIds: FeedOptions['replayIds']
  readonly simSeed: string
  readonly simSpeed: string
  readonly simStart?: string
  readonly simDuration: string
  readonly simRate: string
  readonly simSymbols?: string
  readonly simDuplicates: string
}

/** Flags that choose and shape the feed. */
export function addFeedFlags(command: Command): Command {
  return command
    .addOption(new Option('--feed <name>', 'where ticks come from').choices(feedNames).env('FEED').default('sim'))
    .option('--replay-file <file>', 'trades as CSV or raw capture, plain or gzip')
    .option('--replay-speed <speed>', 'times life, or max', '1')
    .addOption(
      new Option('--replay-ids <kind>', 'whether trade ids grow by time')
        .choices(['auto', 'monotonic', 'unordered'])
        .default('auto'),
    )
    .option('--sim-seed <number>', 'seed of the simulator', '1')
    .option('--sim-speed <speed>', 'times life, or max; above 1 it stops at now', '1')
    .option('--sim-start <time>', 'where simulated time starts; default now - --sim-duration')
    .option('--sim-duration <length>', 'how much simulated past there is at the first start', '10m')
    .option('--sim-rate <number>', 'ticks a second of all lively symbols together', '200')
    .option('--sim-symbols <names>', 'symbols, by commas')
    .option('--sim-duplicates <fraction>', 'fraction of ticks that are sent twice, 0 to 1', '0')
}

/** @throws {FatalError} `USAGE`. */
export function feedOptionsOf(flags: FeedFlags): FeedOptions {
  return {
    feed: flags.feed,
    replayFile: flags.replayFile,
    replaySpeed: parseSpeed('--replay-speed', flags.replaySpeed),
    replayIds: flags.replayIds,
    simSeed: parseNumber('--sim-seed', flags.simSeed, 0, 2 ** 32 - 1),
    simSpeed: parseSpeed('--sim-speed', flags.simSpeed),
    simStart: flags.simStart === undefined ? undefined : parseInstant('--sim-start', flags.simStart),
    simDurationMs: parseDuration('--sim-duration', flags.simDuration),
    simRate: parseNumber('--sim-rate', flags.simRate, 1, 1_000_000),
    simSymbols: flags.simSymbols?.split(',').map((name) => name.trim()),
    simDuplicates: parseNumber('--sim-duplicates', flags.simDuplicates, 0, 1),
  }
}
