import type { Command } from 'commander'
import { lockDataDir, openStore } from '../../topology/adapters.ts'
import { readConfig } from '../../topology/config.ts'
import { parseNumber } from '../../topology/feed-options.ts'
import { systemClock } from '../../topology/system-clock.ts'
import { globalFlags } from '../global-flags.ts'

/** `dead-letters list`: what was refused, newest first, with its coordinates. */
export function deadLettersCommand(program: Command): void {
  const parent = program.command('dead-letters').description('look at refused records')
  const command = parent.command('list').description('refused records with reason and coordinates')
  command.option('--limit <number>', 'at most so many', '100').action(async ({ limit }: { readonly limit: string }) => {
    const config = readConfig()
    const { json } = globalFlags(command)
    const unlock = config.DATABASE_URL === undefined ? await lockDataDir(config.DATA_DIR) : undefined
    try {
      const store = await openStore({ config, clock: systemClock, log: () => undefined })
      try {
        for (const letter of await store.deadLetters(parseNumber('--limit', limit, 1, 100_000))) {
          const payload = Buffer.from(letter.payload)
          const where = letter.source === '' ? `${letter.topic}/${letter.partition}@${letter.offset}` : letter.source
          const line = json
            ? JSON.stringify({ ...letter, payload: payload.toString('base64') })
            : `${where} ${letter.reason} ${letter.detail} ${JSON.stringify(payload.toString('utf8').slice(0, 120))}`
          process.stdout.write(`${line}\n`)
        }
      } finally {
        await store.close()
      }
    } finally {
      await unlock?.()
    }
  })
}
