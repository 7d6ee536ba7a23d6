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
  readonly reason?: string
  readonly k?: Row
  readonly rows?: readonly Row[]
  readonly open?: readonly Row[]
  readonly code?: number
  readonly results?: readonly {
    ok: boolean
    code?: number
    ch: number
    symbol: string
    interval: string
    e: number
    q: number
  }[]
}

/** A client that believes nothing: every update must follow the one before, or a snapshot must have said otherwise. */
export interface StrictClient {
  readonly channels: ReadonlyMap<number, ClientChannel>
  readonly violations: readonly string[]
  /** Resolves when the connection is gone. */
  readonly ended: Promise<void>
  close(): void
}

interface StrictOptions {
  /** The platform is being tormented: what is refused for now ends the connection, and is no violation. */
  readonly isTroubleExpected?: boolean
}

const snapshotDown = 1400
/** A symbol that nobody has seen yet, and what could not be read just now. */
const refusedForNow = [1200, 1500]

export async function subscribeStrictly(
  url: string,
  symbols: readonly string[],
  intervals: readonly string[],
  options: StrictOptions = {},
): Promise<StrictClient> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/stream`, 'candles.v1')
  const channels = new Map<number, ClientChannel>()
  const violations: string[] = []
  const ended = new Promise<void>((resolve) => socket.on('close', () => resolve()))
  const troubled = (what: string, code = 0): void => {
    if (options.isTroubleExpected !== true) violations.push(what)
    else if (refusedForNow.includes(code)) socket.close()
    else if (code !== snapshotDown) violations.push(what)
  }
  const heard = (sent: Readonly<Record<string, number>>): void => {
    for (const [ch, q] of Object.entries(sent)) {
      const channel = channels.get(Number(ch))
      if (channel !== undefined && channel.q < q)
        violations.push(`${channel.symbol} ${channel.interval} was sent up to ${q}, ${channel.q} arrived`)
    }
  }
  const handlers: Record<string, (frame: Frame) => void> = {
    subscribed({ results = [] }) {
      for (const { ok, code, ch, symbol, interval, e, q } of results) {
        if (!ok) troubled(`refused ${symbol} ${interval}`, code)
        else channels.set(ch, { symbol, interval, e, q, finals: new Map(), open: new Map(), snapshots: 0, updates: 0 })
      }
    },
    snapshot({ ch = -1, e = -1, q = -1, reason, rows = [], open = [] }) {
      const channel = channels.get(ch)
      if (channel === undefined) return void violations.push(`snapshot of unknown channel ${ch}`)
      if (e < channel.e || (e === channel.e && q < channel.q))
        violations.push(`${channel.symbol} snapshot went back to ${e}/${q} from ${channel.e}/${channel.q}`)
      channel.snapshots += 1
      Object.assign(channel, { e, q })
      if (reason === 'initial' || reason === 'reset') channel.finals.clear()
      for (const row of rows) channel.finals.set(row[0], row)
      channel.open.clear()
      for (const row of open) channel.open.set(row[0], row)
    },
    u({ ch = -1, q = -1, pq, x, k }) {
      const channel = channels.get(ch)
      if (channel === undefined || k === undefined) return void violations.push(`update of unknown channel ${ch}`)
      channel.updates += 1
      if (channel.snapshots === 0) violations.push(`${channel.symbol} update before its snapshot`)
      // A snapshot may be ahead of the updates behind it: what it holds already is passed over.
      if (q <= channel.q) return
      if ((pq ?? q - 1) > channel.q)
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
    if (frame.type === 'error') troubled(data.toString('utf8'), frame.code)
    if (frame.type === 'hb') return heard(frame.q as unknown as Record<string, number>)
    handlers[frame.type]?.(frame)
  })
  await new Promise<void>((resolve, reject) => {
    socket.on('open', resolve)
    socket.on('error', reject)
  })
  const wanted = symbols.flatMap((symbol) => intervals.map((interval) => ({ symbol, interval, snapshot: 1000 })))
  socket.send(JSON.stringify({ op: 'subscribe', id: 1, window: 0, channels: wanted }))
  return { channels, violations, ended, close: () => socket.close() }
}
