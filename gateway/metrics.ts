import { Counter, Gauge, type Registry } from 'prom-client'

export interface GatewayMetrics {
  readonly clients: Gauge
  readonly lagging: Gauge
  readonly dropped: Counter
  readonly published: Counter
  readonly emissions: Counter
  readonly undecodable: Gauge
  readonly requests: Counter<'route' | 'status'>
  /** Takes them out of the registry: another gateway may then use it. */
  unregister(): void
}

/** The gateway's metrics, in `registry`. */
export function createGatewayMetrics(registry: Registry): GatewayMetrics {
  const registers = [registry]
  const prefix = 'redwick_gateway'
  const metrics = {
    clients: new Gauge({ name: `${prefix}_clients`, help: 'Open WebSocket connections', registers }),
    lagging: new Gauge({ name: `${prefix}_clients_lagging`, help: 'Connections whose buffer is full', registers }),
    dropped: new Counter({ name: `${prefix}_dropped_total`, help: 'Frames that did not fit a buffer', registers }),
    published: new Counter({ name: `${prefix}_published_total`, help: 'Frames published to channels', registers }),
    undecodable: new Gauge({ name: `${prefix}_undecodable`, help: 'Records that could not be read', registers }),
    emissions: new Counter({ name: `${prefix}_emissions_total`, help: 'Emissions read from the log', registers }),
    requests: new Counter({
      name: `${prefix}_requests_total`,
      help: 'HTTP requests',
      labelNames: ['route', 'status'],
      registers,
    }),
  }
  return {
    ...metrics,
    unregister() {
      for (const name of metricNames) registry.removeSingleMetric(`${prefix}_${name}`)
    },
  }
}

const metricNames = [
  'clients',
  'clients_lagging',
  'dropped_total',
  'published_total',
  'undecodable',
  'emissions_total',
  'requests_total',
]
