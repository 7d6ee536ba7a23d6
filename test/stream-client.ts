import { WebSocket } from 'ws'

/** `[start, open, high, low, close, volume, trades]`, prices and sizes as decimal text. */
export type Row = readonly [number, string, string, string, string, string, number]

export interface ClientChannel {
  readonly symbol: string
  readonly interval: string
  readonly store: string
  e: number
  q: number
  /** Highest of what is final. */
  seq: number
  /** Every closed candle by start, the last one heard. */
  readonly finals: Map<number, Row>
  readonly open: Map<number, Row>
  snapshots: number
  updates: number
  /** An update was applied behind the last snapshot: none that it holds already may follow. */
  isMoving: boolean
  /** The last snapshots and finals, for who has to find out what went wrong. */
  readonly heard: string[]
}

interface Frame {
  readonly type: string
  readonly ch?: number
  readonly e?: number
  readonly q?: number
  readonly seq?: number
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
    store: string
    e: number
    q: number
    mode: string
  }[]
}

/** A client that believes nothing: every update must follow the one before, or a snapshot must have said otherwise. */
export interface StrictClient {
  readonly channels: ReadonlyMap<number, ClientChannel>
  readonly violations: readonly string[]
  /** Channels that went on from `since`. */
  readonly resumed: number
  /** Resolves when the connection is gone. */
  readonly ended: Promise<void>
  close(): void
}

interface StrictOptions {
  /** The platform is being tormented: what is refused for now ends the connection, and is no violation. */
  readonly isTroubleExpected?: boolean
  /** What an earlier connection held: it goes on from there. */
  readonly since?: readonly ClientChannel[]
}

const heardMax = 40
const snapshotDown = 1400
/** A symbol that nobody has seen yet, and what could not be read just now. */
const refusedForNow = [1200, 1500]

function note({ heard }: ClientChannel, what: string): void {
  heard.push(what)
  if (heard.length > heardMax) heard.shift()
}

export async function subscribeStrictly(
  url: string,
  symbols: readonly string[],
  intervals: readonly string[],
  options: StrictOptions = {},
): Promise<StrictClient> {
  const keyOf = (one: { symbol: string; interval: string }): string => `${one.symbol} ${one.interval}`
  const before = new Map(options.since?.map((channel) => [keyOf(channel), channel]))
  const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/stream`, 'candles.v1')
  const channels = new Map<number, ClientChannel>()
  const violations: string[] = []
  let resumed = 0
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
      for (const { ok, code, ch, symbol, interval, store, e, q, mode } of results) {
        const old = before.get(keyOf({ symbol, interval }))
        const fresh = { finals: new Map(), open: new Map(), seq: 0, isMoving: false, heard: [] }
        if (!ok) troubled(`refused ${symbol} ${interval}`, code)
        else if (mode !== 'resumed')
          channels.set(ch, { ...fresh, ...old, symbol, interval, store, e, q, snapshots: 0, updates: 0 })
        // It goes on where it was, as if nothing had been in between.
        else if (old !== undefined) {
          resumed += 1
          channels.set(ch, { ...old, snapshots: 1, updates: 0, isMoving: true })
          note(old, `resumed at ${e}/${q}`)
        } else violations.push(`${symbol} ${interval} was resumed from nowhere`)
      }
    },
    snapshot({ ch = -1, e = -1, q = -1, seq = 0, reason, rows = [], open = [] }) {
      const channel = channels.get(ch)
      if (channel === undefined) return void violations.push(`snapshot of unknown channel ${ch}`)
      if (e < channel.e || (e === channel.e && q < channel.q))
        violations.push(`${channel.symbol} snapshot went back to ${e}/${q} from ${channel.e}/${channel.q}`)
      channel.snapshots += 1
      channel.isMoving = false
      note(channel, `${reason} ${e}/${q} to ${seq}: ${rows.map((row) => row[0])}`)
      Object.assign(channel, { e, q, seq })
      if (reason === 'initial' || reason === 'reset') channel.finals.clear()
      for (const row of rows) channel.finals.set(row[0], row)
      channel.open.clear()
      for (const row of open) channel.open.set(row[0], row)
    },
    u({ ch = -1, q = -1, seq = 0, pq, x, k }) {
      const channel = channels.get(ch)
      if (channel === undefined || k === undefined) return void violations.push(`update of unknown channel ${ch}`)
      channel.updates += 1
      if (channel.snapshots === 0) violations.push(`${channel.symbol} update before its snapshot`)
      // A snapshot may be ahead of the updates behind it: what it holds already is passed over.
      if (q <= channel.q) {
        if (channel.isMoving) violations.push(`${channel.symbol} ${channel.interval} went from ${channel.q} to ${q}`)
        return
      }
      channel.isMoving = true
      if ((pq ?? q - 1) > channel.q)
        violations.push(`${channel.symbol} ${channel.interval} jumped from ${channel.q} to ${q}`)
      channel.q = q
      channel.seq = Math.max(channel.seq, seq)
      if (x === 1) {
        channel.finals.set(k[0], k)
        note(channel, `final ${channel.e}/${q} to ${seq}: ${k[0]}`)
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
  const wanted = symbols.flatMap((symbol) =>
    intervals.map((interval) => {
      const old = before.get(keyOf({ symbol, interval }))
      const since = old === undefined ? {} : { since: { store: old.store, e: old.e, q: old.q, seq: old.seq } }
      return { symbol, interval, snapshot: 1000, ...since }
    }),
  )
  socket.send(JSON.stringify({ op: 'subscribe', id: 1, window: 0, channels: wanted }))
  return {
    ...{ channels, violations, ended, close: () => socket.close() },
    get resumed() {
      return resumed
    },
  }
}
