import type { Command } from 'commander'
import { readConfig } from '../../topology/config.ts'
import { parseNumber } from '../../topology/feed-options.ts'
import { withPorts } from '../../topology/open-ports.ts'
import { systemClock } from '../../topology/system-clock.ts'
import { globalFlags } from '../global-flags.ts'

/** `dead-letters list`: what was refused, newest first, with its coordinates. */
export function deadLettersCommand(program: Command): void {
  const parent = program.command('dead-letters').description('look at refused records')
  const command = parent.command('list').description('refused records with reason and coordinates')
  command.option('--limit <number>', 'at most so many', '100').action(async ({ limit }: { readonly limit: string }) => {
    const config = readConfig()
    const { json } = globalFlags(command)
    const context = { config, clock: systemClock, log: () => undefined }
    const max = parseNumber('--limit', limit, 1, 100_000)
    for (const letter of await withPorts(context, ['store'], ({ store }) => store.deadLetters(max))) {
      const payload = Buffer.from(letter.payload)
      const where = letter.source === '' ? `${letter.topic}/${letter.partition}@${letter.offset}` : letter.source
      const key = letter.symbol === '' ? '' : ` ${JSON.stringify(letter.symbol)}`
      const line = json
        ? JSON.stringify({ ...letter, payload: payload.toString('base64') })
        : `${where}${key} ${letter.reason} ${letter.detail} ${JSON.stringify(payload.toString('utf8').slice(0, 120))}`
      process.stdout.write(`${line}\n`)
    }
  })
}
