import { type Command, Option } from 'commander'
import { readConfig } from '../../topology/config.ts'
import { type Role, roles } from '../../topology/context.ts'
import { type FeedOptions, parseNumber } from '../../topology/feed-options.ts'
import { createLogger } from '../../topology/logger.ts'
import { globalFlags } from '../global-flags.ts'
import { stopSignal } from '../stop-signal.ts'
import { addFeedFlags, feedOptionsOf } from './feed-flags.ts'

const workersMax = 64

interface RunFlags {
  readonly role: Role
  readonly workers: string
  readonly untilEnd?: boolean
}

type AllFlags = RunFlags & Parameters<typeof feedOptionsOf>[0]

async function run(command: Command, flags: RunFlags, feed: FeedOptions): Promise<void> {
  const { logLevel: level, json: isJson } = globalFlags(command)
  const config = readConfig()
  const { runTopology } = await import('../../topology/main.ts')
  await runTopology({
    config,
    role: flags.role,
    workers: parseNumber('--workers', flags.workers, 1, workersMax),
    feed,
    untilEnd: flags.untilEnd === true,
    log: createLogger({ level, isJson }),
    logging: { level, isJson },
    signal: stopSignal(),
  })
}

function addRunFlags(command: Command): Command {
  return command
    .addOption(new Option('--role <role>', 'run one role; the others run elsewhere').choices(roles).default('all'))
    .option('--workers <number>', 'engine workers in this process', '1')
    .option('--until-end', 'end when the feed has ended and everything is committed')
}

/** `topology`: the main job. */
export function topologyCommand(program: Command): void {
  const command = program.command('topology').description('run the main job: ticks in, candles out, stored, streamed')
  addFeedFlags(addRunFlags(command)).action((flags: AllFlags) => run(command, flags, feedOptionsOf(flags)))
}

/** `replay FILE`: the main job over a file. */
export function replayCommand(program: Command): void {
  const command = program.command('replay <file>').description('run the main job over a file of trades')
  addFeedFlags(addRunFlags(command.option('--speed <speed>', 'times life, or max', '1'))).action(
    (file: string, flags: AllFlags & { readonly speed: string }) =>
      run(command, flags, feedOptionsOf({ ...flags, feed: 'replay', replayFile: file, replaySpeed: flags.speed })),
  )
}
