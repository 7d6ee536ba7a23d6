import { type Command, Option } from 'commander'
import { candles } from '../../topology/candles.ts'
import { type DescribeFormat, describeFormats, describeTopology } from '../../topology/describe.ts'
import { globalFlags } from '../global-flags.ts'

/** `describe`: the topology as text, JSON or a diagram. */
export function describeCommand(program: Command): void {
  const command = program.command('describe').description('show the topology without running it')
  command
    .addOption(new Option('--format <format>', 'how to show it').choices(describeFormats))
    .action(({ format }: { readonly format?: DescribeFormat }) => {
      const fallback = globalFlags(command).json ? 'json' : 'text'
      process.stdout.write(`${describeTopology(candles, format ?? fallback)}\n`)
    })
}
