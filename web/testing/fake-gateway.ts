import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'
import { contentSecurityPolicy } from '../../gateway/server.ts'
import { loadStaticFiles } from '../../gateway/static-files.ts'
import { storedIntervals } from '../../schemas/intervals.ts'
import { dashboardFiles } from '../dashboard-files.ts'
import { type FakeChannel, fakeRows, fakeSymbols, type Row } from './fake-market.ts'

/** A message from the page, as far as tests look into it. */
export interface Asked {
  readonly op: string
  readonly token?: string
  readonly channels?: readonly {
    symbol: string
    interval: string
    snapshot?: number
    since?: Record<string, unknown>
  }[]
}

export interface FakeGatewayOptions {
  /** Asks for this token on the socket and on REST. */
  readonly token?: string
  readonly now?: number
}

export type FakeMode = 'usual' | 'live-only' | 'losing'

export type FakeGateway = Awaited<ReturnType<typeof startFakeGateway>>

const historyRows = 1500
const snapshotRowsMax = 500

/** Speaks the wire protocol over a random walk and does what a test tells it to. Listens on loopback, any port. */
export async function startFakeGateway(options: FakeGatewayOptions = {}) {
  const now = options.now ?? Date.now()
  const files = await loadStaticFiles(dashboardFiles.staticRoot, dashboardFiles.extraFiles)
  const policy = contentSecurityPolicy(dashboardFiles.styleHashes)
  const channels = new Map<string, FakeChannel>()
  const subscribers = new Map<WebSocket, Map<string, number>>()
  const asked: Asked[] = []
  const requests: string[] = []
  let nextChannel = 1
  let mode: FakeMode = 'usual'

  function channelOf(symbol: string, interval: string): FakeChannel {
    const key = `${symbol}/${interval}`
    const known = channels.get(key)
    if (known !== undefined) return known
    const seconds = new Map<string, number>(Object.entries(storedIntervals)).get(interval) ?? 60
    const rows = fakeRows(symbol, seconds * 1000, historyRows, now)
    const made: FakeChannel = { rows, log: [], intervalMs: seconds * 1000, e: 12, q: 1000, seq: 900 }
    channels.set(key, made)
    return made
  }

  const server = createServer((request, response) => answer(request, response))
  const sockets = new WebSocketServer({ server, path: '/v1/stream' })
  sockets.on('connection', (socket) => {
    subscribers.set(socket, new Map())
    socket.on('close', () => subscribers.delete(socket))
    socket.on('message', (data) => receive(socket, JSON.parse(String(data))))
    const auth = options.token === undefined ? 'none' : 'required'
    send(socket, { type: 'hello', v: 1, conn: 'c1', ts: now, heartbeat: 15, limits: {}, auth })
  })

  function receive(socket: WebSocket, message: Asked & { id: number }): void {
    asked.push(message)
    if (message.op === 'auth') {
      const ok = message.token === options.token
      send(
        socket,
        ok
          ? { type: 'auth', id: message.id, ok }
          : { type: 'error', id: message.id, code: 1101, message: 'The token is not valid.' },
      )
    }
    for (const { symbol, interval, since } of message.channels ?? []) {
      const key = `${symbol}/${interval}`
      if (message.op === 'unsubscribe') subscribers.get(socket)?.delete(key)
      if (message.op === 'subscribe') subscribe(socket, message.id, symbol, interval, since)
    }
  }

  function subscribe(
    socket: WebSocket,
    id: number,
    symbol: string,
    interval: string,
    since?: Record<string, unknown>,
  ): void {
    if (!fakeSymbols.has(symbol)) {
      const refused = { ok: false, symbol, interval, code: 1200, message: `${symbol} is not known here.` }
      send(socket, { type: 'subscribed', id, results: [refused] })
      return
    }
    const channel = channelOf(symbol, interval)
    const ch = nextChannel++
    subscribers.get(socket)?.set(`${symbol}/${interval}`, ch)
    const { e, q, seq } = channel
    const kind = mode === 'live-only' ? 'live-only' : since === undefined ? 'snapshot' : 'resumed'
    const place = { ok: true, ch, symbol, interval, store: 'k3', e, q, seq }
    send(socket, { type: 'subscribed', id, results: [{ ...place, mode: kind }] })
    if (kind === 'snapshot') snapshot(socket, ch, channel, 'initial')
    if (kind === 'resumed')
      for (const missed of channel.log) if (missed.q > Number(since?.['q'])) send(socket, { ...missed.fields, ch })
  }

  function snapshot(socket: WebSocket, ch: number, channel: FakeChannel, reason: string): void {
    const rows = channel.rows.slice(-snapshotRowsMax)
    const { e, q, seq } = channel
    send(socket, { type: 'snapshot', ch, e, q, seq, reason, rows: rows.slice(0, -1), open: rows.slice(-1) })
  }

  function emit(symbol: string, interval: string, row: Row, flags: Record<string, unknown>): void {
    const channel = channelOf(symbol, interval)
    const index = channel.rows.findIndex((known) => known[0] === row[0])
    if (index < 0) channel.rows.push(row)
    else channel.rows[index] = row
    channel.q++
    if (flags['x'] === 1) channel.seq++
    const seq = flags['x'] === 1 ? { seq: channel.seq } : {}
    const fields = { type: 'u', q: channel.q, k: row, x: 0, ...seq, ...flags }
    channel.log.push({ q: channel.q, fields })
    for (const [socket, own] of subscribers) {
      const ch = own.get(`${symbol}/${interval}`)
      if (ch !== undefined && mode !== 'losing') send(socket, { ...fields, ch })
    }
  }

  function answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', 'http://localhost')
    response.setHeader('content-security-policy', policy)
    const file = files.get(url.pathname)
    if (file !== undefined) {
      response.writeHead(200, { 'content-type': file.type }).end(file.bytes)
      return
    }
    requests.push(`${url.pathname}${url.search}`)
    const authorised = options.token === undefined || request.headers.authorization === `Bearer ${options.token}`
    const body = authorised ? rest(url) : { status: 401 }
    response.writeHead(authorised ? (body === undefined ? 404 : 200) : 401, { 'content-type': 'application/json' })
    response.end(JSON.stringify(body ?? { status: 404 }))
  }

  function rest(url: URL): unknown {
    const query = (name: string) => url.searchParams.get(name) ?? ''
    if (url.pathname === '/v1/symbols')
      return {
        symbols: [...fakeSymbols.keys()].map((symbol) => ({
          symbol,
          decimals: 2,
          status: 'live',
          first: null,
          last: null,
        })),
      }
    if (url.pathname === '/v1/ohlcv/latest')
      return {
        candles: query('symbols')
          .split(',')
          .filter((name) => fakeSymbols.has(name))
          .map((name) => dayOf(name)),
      }
    if (url.pathname !== '/v1/ohlcv') return undefined
    const [from, to] = [Number(query('startDate')), Number(query('endDate'))]
    const rows = channelOf(query('symbol'), query('interval')).rows.filter(([start]) => start >= from && start < to)
    return {
      candles: rows.slice(0, Number(query('limit'))).map((row) => candleOf(query('symbol'), row)),
      missing: [],
      next: null,
    }
  }

  function dayOf(symbol: string): unknown {
    const rows = channelOf(symbol, '1m').rows.slice(-700)
    const [first, last] = [rows[0], rows.at(-1)]
    const start = Math.floor(now / 86_400_000) * 86_400_000
    return { symbol, interval: '1d', start, open: first?.[1], close: last?.[4] }
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = addressOf(server.address())

  return {
    url: `http://127.0.0.1:${port}/`,
    /** Every message the page sent, and every REST path it asked for. */
    asked,
    requests,
    /** Newest candle of a channel. */
    newest: (symbol: string, interval: string): Row => newestOf(channelOf(symbol, interval)),
    rows: (symbol: string, interval: string): readonly Row[] => channelOf(symbol, interval).rows,
    emit,
    snapshotAll(symbol: string, interval: string, reason: string): void {
      for (const [socket, own] of subscribers) {
        const ch = own.get(`${symbol}/${interval}`)
        if (ch !== undefined) snapshot(socket, ch, channelOf(symbol, interval), reason)
      }
    },
    /** `losing`: updates go nowhere but into the log. */
    setMode: (next: FakeMode): void => {
      mode = next
    },
    heartbeat(): void {
      for (const [socket, own] of subscribers) {
        const q = Object.fromEntries([...own].map(([key, ch]) => [ch, channels.get(key)?.q]))
        send(socket, { type: 'hb', ts: Date.now(), q })
      }
    },
    drop(code: number): void {
      for (const socket of subscribers.keys()) socket.close(code)
    },
    async close(): Promise<void> {
      for (const socket of sockets.clients) socket.terminate()
      sockets.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function send(socket: WebSocket, message: unknown): void {
  if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(message))
}

function newestOf(channel: FakeChannel): Row {
  const row = channel.rows.at(-1)
  if (row === undefined) throw new Error('a fake channel holds candles')
  return row
}

function candleOf(symbol: string, row: Row): Record<string, unknown> {
  const [start, open, high, low, close, volume, trades] = row
  return { symbol, start, open, high, low, close, volume, trades, final: true, revision: 1 }
}

function addressOf(address: string | AddressInfo | null): AddressInfo {
  if (address === null || typeof address === 'string') throw new Error('the fake gateway listens on a port')
  return address
}
