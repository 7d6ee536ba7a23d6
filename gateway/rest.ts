import type { Registry } from 'prom-client'
import type { SymbolSpan } from '../ports/candle-store.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/logger.ts'
import type { Snapshot } from '../ports/snapshot.ts'
import { messageOf, TransientError } from '../schemas/errors.ts'
import { bearerOf, createTokenCheck } from './access.ts'
import { candleJson } from './candle-text.ts'
import { candlesCsv } from './csv.ts'
import type { History } from './history.ts'
import { badFields, latestQuery, ohlcvQuery, readQuery } from './query.ts'
import { json, problem, type Reply, text } from './reply.ts'

/** State of one dependency. */
export interface DependencyHealth {
  readonly status: 'up' | 'down'
  readonly detail?: string
}

/** What runs, drawn in every format. */
export interface Describe {
  json(): unknown
  mermaid(): string
  dot(): string
}

export interface ApiRequest {
  readonly method: string
  readonly path: string
  /** Without the question mark. */
  readonly query: string
  readonly accept: string
  readonly authorization: string
}

export interface RestOptions {
  readonly history: History
  readonly snapshot: Snapshot
  readonly clock: Clock
  readonly log: Log
  readonly registry: Registry
  readonly describe: Describe
  readonly authToken: string | undefined
  symbols(): Promise<readonly SymbolSpan[]>
  health(): Promise<Readonly<Record<string, DependencyHealth>>>
}

/** Answers requests under `/v1`, `/ohlcv`, `/health` and `/metrics`; everything else is a 404. Never rejects. */
export function createRest(options: RestOptions): (request: ApiRequest) => Promise<Reply> {
  const { history, snapshot, clock, log, describe, registry } = options
  const tokenFits = createTokenCheck(options.authToken)

  const ohlcv = async ({ query, accept }: ApiRequest): Promise<Reply> => {
    const read = readQuery(ohlcvQuery, query)
    if (!read.ok) return read.reply
    const { symbol, interval, startDate, limit, fill } = read.value
    const endDate = read.value.endDate ?? clock.now()
    if (startDate >= endDate) return badFields([{ field: 'startDate', message: 'is before endDate (default: now)' }])
    const page = await history.page({ symbol, interval, from: startDate, to: endDate, limit, fill })
    if (page.candles.length === 0 && !(await isKnown(symbol))) return problem(404, `no symbol ${symbol}`)
    const candles = page.candles.map((candle) => candleJson(candle, interval))
    if (accept.includes('text/csv')) return text(candlesCsv(candles), 'text/csv; charset=utf-8')
    return json({ candles, missing: [], next: page.next })
  }

  const latest = async ({ query }: ApiRequest): Promise<Reply> => {
    const read = readQuery(latestQuery, query)
    if (!read.ok) return read.reply
    const { symbols, interval } = read.value
    const candles = await history.latest(symbols, interval)
    if (candles.length === 0 && !(await anyKnown(symbols))) return problem(404, `no symbol ${symbols.join(', ')}`)
    return json({ candles: candles.map((candle) => candleJson(candle, interval)), missing: [], next: null })
  }

  const isKnown = (symbol: string) => anyKnown([symbol])
  const anyKnown = async (wanted: readonly string[]) => {
    const known = new Set([...(await options.symbols()).map((span) => span.symbol), ...(await liveSymbols())])
    return wanted.some((symbol) => known.has(symbol))
  }
  const liveSymbols = () =>
    snapshot.symbols().catch((error: unknown) => {
      log('warn', 'the snapshot cannot be read', { why: messageOf(error) })
      return []
    })

  const symbols = async (): Promise<Reply> => {
    const spans = new Map((await options.symbols()).map((span) => [span.symbol, span]))
    const names = [...new Set([...spans.keys(), ...(await liveSymbols())])].sort()
    return json({
      symbols: names.map((symbol) => {
        const span = spans.get(symbol)
        return { symbol, decimals: null, status: 'active', first: span?.first ?? null, last: span?.last ?? null }
      }),
    })
  }

  const topology = ({ query }: ApiRequest): Reply => {
    const format = new URLSearchParams(query).get('format') ?? 'json'
    if (format === 'json') return json(describe.json())
    if (format === 'mermaid') return text(describe.mermaid())
    if (format === 'dot') return text(describe.dot(), 'text/vnd.graphviz; charset=utf-8')
    return badFields([{ field: 'format', message: 'is json, mermaid or dot' }])
  }

  const health = async ({ authorization }: ApiRequest): Promise<Reply> => {
    const dependencies = await options.health()
    const up = Object.values(dependencies).every(({ status }) => status === 'up')
    // Details may name hosts: with a token set, only its holder sees them.
    const trusted = options.authToken === undefined || tokenFits(bearerOf(authorization) ?? '')
    const states = Object.entries(dependencies).map(([name, { status }]) => [name, { status }] as const)
    const shown = trusted ? dependencies : Object.fromEntries(states)
    return json({ status: up ? 'up' : 'down', dependencies: shown }, up ? 200 : 503)
  }

  const metrics = async () => text(await registry.metrics(), registry.contentType)

  const routes = new Map<string, (request: ApiRequest) => Reply | Promise<Reply>>([
    ['/v1/ohlcv', ohlcv],
    ['/ohlcv', ohlcv],
    ['/v1/ohlcv/latest', latest],
    ['/ohlcv/latest', latest],
    ['/v1/symbols', symbols],
    ['/v1/topology', topology],
    ['/health', health],
    ['/health/ready', health],
    ['/health/live', () => json({ status: 'up' })],
    ['/metrics', metrics],
  ])
  const openPaths = new Set(['/health', '/health/live', '/health/ready'])

  return async (request) => {
    const route = routes.get(request.path)
    const needsToken = options.authToken !== undefined && !openPaths.has(request.path)
    if (needsToken && (route !== undefined || request.path.startsWith('/v1/'))) {
      const given = bearerOf(request.authorization)
      if (given === undefined || !tokenFits(given))
        return problem(401, 'a token is needed', { headers: [['www-authenticate', 'Bearer']] })
    }
    if (route === undefined) return problem(404, 'there is nothing here')
    if (request.method !== 'get' && request.method !== 'head')
      return problem(405, 'only GET and HEAD', { headers: [['allow', 'GET, HEAD']] })
    try {
      return await route(request)
    } catch (error) {
      return failure(error, request, log)
    }
  }
}

function failure(error: unknown, request: ApiRequest, log: Log): Reply {
  const transient = error instanceof TransientError
  log(transient ? 'warn' : 'error', 'a request failed', { path: request.path, why: messageOf(error) })
  if (transient) return problem(503, 'a dependency is down', { detail: error.code, retryAfterSeconds: 5 })
  return problem(500, 'the request failed')
}
