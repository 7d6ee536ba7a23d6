import { type Command, Option } from 'commander'
import { candles } from '../../topology/candles.ts'
import { type DescribeFormat, describeFormats, describeTopology } from '../../topology/describe.ts'
import { globalFlags } from '../global-flags.ts'
import { loadTopology } from '../load-topology.ts'

/** `describe`: the topology as text, JSON or a diagram. */
export function describeCommand(program: Command): void {
  const command = program.command('describe').description('show the topology without running it')
  command
    .addOption(new Option('--format <format>', 'how to show it').choices(describeFormats))
    .option('--file <file>', 'the topology of records that a module exports, instead of the candles')
    .addHelpText(
      'after',
      '\nnpm run plan compares it with what last ran against the store; npm run explain tells how one candle came about.',
    )
    .action(async ({ format, file }: { readonly format?: DescribeFormat; readonly file?: string }) => {
      const topology = file === undefined ? candles : (await loadTopology(file)).topology
      const fallback = globalFlags(command).json ? 'json' : 'text'
      process.stdout.write(`${describeTopology(topology, format ?? fallback)}\n`)
    })
}
