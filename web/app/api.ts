import { type Bar, fields, list, num, str } from './protocol.ts'

/** A symbol on offer; `first` is the start of its first candle in epoch ms, undefined where unknown. */
export interface SymbolEntry {
  readonly symbol: string
  readonly first: number | undefined
}

/** The last candle of a symbol, for the list. */
export interface LatestEntry {
  readonly symbol: string
  /** Epoch ms. */
  readonly start: number
  readonly open: string
  readonly close: string
}

export interface HistoryQuery {
  readonly symbol: string
  readonly interval: string
  /** Epoch ms, included. */
  readonly from: number
  /** Epoch ms, excluded. */
  readonly to: number
  readonly limit: number
}

/** An answer: its value, or the status it failed with (0 for no answer at all). */
export type Answer<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly status: number }

/** Longest wait for an answer, in ms. */
const timeoutMs = 20_000

export type Api = ReturnType<typeof createApi>

/** The gateway's REST routes, read only. `token` is asked before each request. */
export function createApi(token: () => string | undefined) {
  async function get<T>(path: string, query: Record<string, string>, read: (body: unknown) => T): Promise<Answer<T>> {
    const bearer = token()
    try {
      const response = await fetch(`/v1/${path}?${new URLSearchParams(query)}`, {
        headers: { accept: 'application/json', ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }) },
        signal: AbortSignal.timeout(timeoutMs),
      })
      // Refused for a token that was replaced meanwhile: says nothing of the new one.
      if (response.status === 401 && token() !== bearer) return { ok: false, status: 0 }
      if (!response.ok) return { ok: false, status: response.status }
      return { ok: true, value: read(await response.json()) }
    } catch {
      return { ok: false, status: 0 }
    }
  }

  return {
    symbols: (): Promise<Answer<readonly SymbolEntry[]>> => get('symbols', {}, symbolsOf),

    latest: (symbols: readonly string[], interval: string): Promise<Answer<readonly LatestEntry[]>> =>
      get('ohlcv/latest', { symbols: symbols.join(','), interval }, latestOf),

    /** Candles of `[from, to)`, ascending. */
    history: (query: HistoryQuery): Promise<Answer<readonly Bar[]>> => {
      const { symbol, interval, from, to, limit } = query
      const asked = { symbol, interval, startDate: String(from), endDate: String(to), limit: String(limit) }
      return get('ohlcv', asked, (body) => candlesOf(body).map(barOf))
    },
  }
}

function symbolsOf(body: unknown): SymbolEntry[] {
  return list(fields(body)['symbols'])
    .map(fields)
    .map((row) => ({ symbol: str(row['symbol']), first: typeof row['first'] === 'number' ? row['first'] : undefined }))
    .filter((entry) => entry.symbol !== '')
    .sort((a, b) => (a.symbol < b.symbol ? -1 : 1))
}

function latestOf(body: unknown): LatestEntry[] {
  return candlesOf(body).map((row) => ({
    symbol: str(row['symbol']),
    start: num(row['start']),
    open: str(row['open']),
    close: str(row['close']),
  }))
}

function candlesOf(body: unknown): Readonly<Record<string, unknown>>[] {
  return list(fields(body)['candles']).map(fields)
}

function barOf(row: Readonly<Record<string, unknown>>): Bar {
  return {
    start: num(row['start']),
    open: str(row['open']),
    high: str(row['high']),
    low: str(row['low']),
    close: str(row['close']),
    volume: str(row['volume']),
    trades: num(row['trades']),
    final: row['final'] === true,
    corrected: false,
  }
}
