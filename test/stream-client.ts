import { WebSocket } from 'ws'

/** `[start, open, high, low, close, volume, trades]`, prices and sizes as decimal text. */
export type Row = readonly [number, string, string, string, string, string, number]

export interface ClientChannel {
  readonly symbol: string
  readonly interval: string
  e: number
  q: number
  /** Every closed candle by start, the last one heard. */
  readonly finals: Map<number, Row>
  readonly open: Map<number, Row>
  snapshots: number
  updates: number
}

interface Frame {
  readonly type: string
  readonly ch?: number
  readonly e?: number
  readonly q?: number
  readonly pq?: number
  readonly x?: number
  readonly k?: Row
  readonly rows?: readonly Row[]
  readonly open?: readonly Row[]
  readonly results?: readonly { ok: boolean; ch: number; symbol: string; interval: string; e: number; q: number }[]
}

/** A client that believes nothing: every update must follow the one before, or a snapshot must have said otherwise. */
export interface StrictClient {
  readonly channels: ReadonlyMap<number, ClientChannel>
  readonly violations: readonly string[]
  close(): void
}

export async function subscribeStrictly(
  url: string,
  symbols: readonly string[],
  intervals: readonly string[],
): Promise<StrictClient> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/stream`, 'candles.v1')
  const channels = new Map<number, ClientChannel>()
  const violations: string[] = []
  const handlers: Record<string, (frame: Frame) => void> = {
    subscribed({ results = [] }) {
      for (const { ok, ch, symbol, interval, e, q } of results) {
        if (!ok) violations.push(`refused ${symbol} ${interval}`)
        else channels.set(ch, { symbol, interval, e, q, finals: new Map(), open: new Map(), snapshots: 0, updates: 0 })
      }
    },
    snapshot({ ch = -1, e = -1, q = -1, rows = [], open = [] }) {
      const channel = channels.get(ch)
      if (channel === undefined) return void violations.push(`snapshot of unknown channel ${ch}`)
      if (e < channel.e || (e === channel.e && q < channel.q))
        violations.push(`${channel.symbol} snapshot went back to ${e}/${q} from ${channel.e}/${channel.q}`)
      channel.snapshots += 1
      Object.assign(channel, { e, q })
      for (const row of rows) channel.finals.set(row[0], row)
      channel.open.clear()
      for (const row of open) channel.open.set(row[0], row)
    },
    u({ ch = -1, q = -1, pq, x, k }) {
      const channel = channels.get(ch)
      if (channel === undefined || k === undefined) return void violations.push(`update of unknown channel ${ch}`)
      channel.updates += 1
      if (channel.snapshots === 0) violations.push(`${channel.symbol} update before its snapshot`)
      if ((pq ?? q - 1) !== channel.q)
        violations.push(`${channel.symbol} ${channel.interval} jumped from ${channel.q} to ${q}`)
      channel.q = q
      if (x === 1) {
        channel.finals.set(k[0], k)
        channel.open.delete(k[0])
      } else channel.open.set(k[0], k)
    },
  }
  socket.on('message', (data: Buffer) => {
    const frame = JSON.parse(data.toString('utf8')) as Frame
    if (frame.type === 'error') violations.push(data.toString('utf8'))
    handlers[frame.type]?.(frame)
  })
  await new Promise<void>((resolve, reject) => {
    socket.on('open', resolve)
    socket.on('error', reject)
  })
  const wanted = symbols.flatMap((symbol) => intervals.map((interval) => ({ symbol, interval, snapshot: 1000 })))
  socket.send(JSON.stringify({ op: 'subscribe', id: 1, window: 0, channels: wanted }))
  return { channels, violations, close: () => socket.close() }
}
