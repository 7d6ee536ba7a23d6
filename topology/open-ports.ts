import type { Broker } from '../ports/broker.ts'
import type { CandleStore } from '../ports/candle-store.ts'
import { inTime } from '../ports/in-time.ts'
import type { SchemaRegistry } from '../ports/schema-registry.ts'
import type { Snapshot } from '../ports/snapshot.ts'
import { messageOf } from '../schemas/errors.ts'
import { type AdapterContext, lockDataDir, openBroker, openRegistry, openSnapshot, openStore } from './adapters.ts'
import type { Config } from './config.ts'

export interface Ports {
  readonly broker: Broker
  readonly registry: SchemaRegistry
  readonly store: CandleStore
  readonly snapshot: Snapshot
}

const openers: { readonly [Name in keyof Ports]: (context: AdapterContext) => Promise<Ports[Name]> } = {
  broker: openBroker,
  registry: openRegistry,
  store: openStore,
  snapshot: openSnapshot,
}

/** Where one of these is not set, its port is a part of the data directory. The embedded snapshot is in memory. */
const settings: { readonly [Name in keyof Ports]?: keyof Config } = {
  broker: 'REDPANDA_BROKERS',
  registry: 'SCHEMA_REGISTRY_URL',
  store: 'DATABASE_URL',
}

/** Longest goodbye to a service of another process: by then nothing is owed to it. What stands in the data directory is waited for. */
const closeMsMax = 500

/** Whether some of these ports stand in the data directory, which one process at a time may use. */
export function needsDataDir(config: Config, names: readonly (keyof Ports)[]): boolean {
  return names.some((name) => {
    const setting = settings[name]
    return setting !== undefined && config[setting] === undefined
  })
}

/**
 * Opens the ports of these names, all at once and with the data directory held where it is needed, and closes them after
 * `use`, the last opened first, whatever comes of it: also when one of them does not open.
 *
 * @throws {FatalError} `DATA_DIR_LOCKED`, `DATA_DIR_UNUSABLE`, or what a port says of itself.
 */
export async function withPorts<Name extends keyof Ports, T>(
  context: AdapterContext,
  names: readonly Name[],
  use: (ports: Pick<Ports, Name>) => Promise<T>,
): Promise<T> {
  const { config, log } = context
  const closings: (() => Promise<unknown>)[] = []
  try {
    if (needsDataDir(config, names)) closings.push(await lockDataDir(config.DATA_DIR))
    const opening = names.map(async (name) => {
      const port = await openers[name](context)
      const setting = settings[name]
      const isOurs = setting !== undefined && config[setting] === undefined
      closings.push(() => (isOurs ? port.close() : inTime(context.clock, closeMsMax, port.close())))
      return [name, port] as const
    })
    await Promise.allSettled(opening)
    return await use(Object.fromEntries(await Promise.all(opening)) as Pick<Ports, Name>)
  } finally {
    for (const close of closings.reverse())
      await close().catch((error: unknown) => log('warn', 'a service did not close', { why: messageOf(error) }))
  }
}
