import type { Command } from 'commander'
import { readConfig } from '../../topology/config.ts'
import { parseNumber } from '../../topology/feed-options.ts'
import { createLogger } from '../../topology/logger.ts'
import { globalFlags } from '../global-flags.ts'
import { loadTopology } from '../load-topology.ts'
import { stopSignal } from '../stop-signal.ts'

const rowsMax = 100_000

interface RunFileFlags {
  readonly feed: boolean
  readonly untilEnd?: boolean
  readonly limit: string
}

async function run(command: Command, file: string, flags: RunFileFlags): Promise<void> {
  const { logLevel: level, json: isJson } = globalFlags(command)
  const config = readConfig()
  const { topology, feed } = await loadTopology(file)
  const { runRecords } = await import('../../topology/records/run.ts')
  const { printTables } = await import('../tables.ts')
  await runRecords({
    topology,
    config,
    log: createLogger({ level, isJson }),
    untilEnd: flags.untilEnd === true,
    signal: stopSignal(),
    ...(feed === undefined || !flags.feed ? {} : { feed }),
    onSettled: ({ store }) =>
      printTables(topology, store, { isJson, limit: parseNumber('--limit', flags.limit, 0, rowsMax) }),
  })
}

/** `run FILE`: a topology of one's own. */
export function runFileCommand(program: Command): void {
  const command = program.command('run <file>')
  command
    .description('run the topology of records that a module exports, with the feed that it exports')
    .option('--no-feed', 'leave its feed out: somebody else writes the records')
    .option('--until-end', 'end when the feed has ended and everything is committed')
    .option('--limit <rows>', 'rows of each table that are shown when everything is committed', '10')
    .action((file: string, flags: RunFileFlags) => run(command, file, flags))
}
