import type { Command } from 'commander'
import { controlHeader } from '../../schemas/control.ts'
import { FatalError } from '../../schemas/errors.ts'
import { candles } from '../../topology/candles.ts'
import { createCodecs } from '../../topology/codecs.ts'
import { globalFlags } from '../global-flags.ts'
import { type Services, withServices } from '../services.ts'

async function list({ store }: Services, isJson: boolean): Promise<void> {
  for (const held of await store.heldKeys(candles.name)) {
    const { symbol, partition, heldFrom, failedAt, error } = held
    const line = `${symbol} held in partition ${partition} from offset ${heldFrom}: at ${failedAt} ${error}`
    process.stdout.write(`${isJson ? JSON.stringify(held) : line}\n`)
  }
}

async function release({ store, broker, registry, topics }: Services, symbol: string): Promise<void> {
  const held = (await store.heldKeys(candles.name)).find((one) => one.symbol === symbol)
  if (held === undefined)
    throw new FatalError({
      code: 'NOT_HELD',
      message: `${symbol} is not held`,
      hint: 'see: npm run quarantine -- list',
    })
  const { encodeControl } = await createCodecs(registry, topics)
  const producer = await broker.createProducer()
  try {
    const { partition } = held
    const value = encodeControl({ kind: 'release', line: 'operator', symbol })
    const headers = { [controlHeader]: 'release' }
    const [range] = await producer.send(topics.ticks, [{ partition, key: null, value, headers }])
    await broker.sync(topics.ticks)
    process.stdout.write(`release of ${symbol} written at ${topics.ticks}/${partition}@${range?.baseOffset ?? ''}\n`)
  } finally {
    await producer.close()
  }
}

/** `quarantine list | release SYMBOL`: keys that are held because their records made a step throw. */
export function quarantineCommand(program: Command): void {
  const parent = program
    .command('quarantine')
    .description('keys that are held because a record of theirs made a step throw')
  const listing = parent.command('list').description('held keys with partition, offsets and error')
  listing.action(() => withServices(listing, (services) => list(services, globalFlags(listing).json)))
  const releasing = parent
    .command('release <symbol>')
    .description('have the engine judge what is held of a key, and go on with it; after the step is mended')
  releasing.action((symbol: string) => withServices(releasing, (services) => release(services, symbol)))
}
