import type { Command } from 'commander'
import { candles } from '../../topology/candles.ts'
import { parseNumber } from '../../topology/feed-options.ts'
import { repartition } from '../../topology/repartition.ts'
import { withServices } from '../services.ts'

const partitionsMax = 10_000

/** `repartition --partitions N`: more partitions, with the state of their keys. */
export function repartitionCommand(program: Command): void {
  const command = program
    .command('repartition')
    .description('give ticks and the topics beside it more partitions; feeds, engines and gateways are stopped')
    .requiredOption('--partitions <number>', 'a multiple of the partitions of now')
  command.action((flags: { readonly partitions: string }) =>
    withServices(command, async (services) => {
      const wanted = parseNumber('--partitions', flags.partitions, 1, partitionsMax)
      const { from, to } = await repartition({ ...services, topology: candles.name }, wanted)
      process.stdout.write(`${services.topics.ticks}: ${from} -> ${to} partitions\n`)
    }),
  )
}
