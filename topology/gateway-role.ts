import { createGateway, type Gateway } from '../gateway/gateway.ts'
import { FatalError, messageOf } from '../schemas/errors.ts'
import { dashboardFiles } from '../web/dashboard-files.ts'
import { isClosedIn } from './calendar.ts'
import { candles } from './candles.ts'
import type { Context } from './context.ts'
import { describeTopology, topologyHash, topologyJson } from './describe.ts'

interface DependencyState {
  readonly status: 'up' | 'down'
  readonly detail?: string
}

async function stateOf(ping: Promise<void>): Promise<DependencyState> {
  try {
    await ping
    return { status: 'up' }
  } catch (error) {
    return { status: 'down', detail: messageOf(error) }
  }
}

async function health({ broker, store, snapshot, registry }: Context): Promise<Record<string, DependencyState>> {
  const names = ['broker', 'registry', 'store', 'snapshot'] as const
  const states = await Promise.all([broker, registry, store, snapshot].map((port) => stateOf(port.ping())))
  return Object.fromEntries(names.map((name, i) => [name, states[i] ?? { status: 'down' }]))
}

/** Serves clients; undefined where the port is taken and the run is there for its table alone. */
export async function startGateway(context: Context): Promise<Gateway | undefined> {
  const { options, codecs, registers, log } = context
  const { config } = options
  try {
    const gateway = await createGateway({
      ...context,
      ...dashboardFiles,
      host: config.HOST,
      port: config.PORT,
      decode: codecs.decodeLive,
      metrics: registers,
      describe: {
        json: () => ({ ...topologyJson(candles), hash: topologyHash(candles) }),
        mermaid: () => describeTopology(candles, 'mermaid'),
        dot: () => describeTopology(candles, 'dot'),
      },
      health: () => health(context),
      isClosed: (symbol, start, end) => isClosedIn(candles, symbol, start, end),
      authToken: config.AUTH_TOKEN,
      allowedOrigins: config.ALLOWED_ORIGINS?.split(',').map((origin) => origin.trim()) ?? [],
      logger: log,
    })
    log('info', `ready at ${gateway.url}`)
    return gateway
  } catch (error) {
    if (!options.untilEnd || !(error instanceof FatalError) || error.code !== 'PORT_IN_USE') throw error
    log('warn', `port ${config.PORT} is in use: this run serves no clients`)
    return undefined
  }
}
