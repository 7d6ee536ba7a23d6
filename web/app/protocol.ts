/** One candle as it is shown. Prices and sizes stay the decimal strings of the wire. */
export interface Bar {
  /** Epoch ms. */
  readonly start: number
  readonly open: string
  readonly high: string
  readonly low: string
  readonly close: string
  readonly volume: string
  readonly trades: number
  readonly final: boolean
  readonly corrected: boolean
}

/** Where a client stands in a channel: what `since` sends. */
export interface Position {
  readonly store: string | undefined
  readonly e: number
  readonly q: number
  readonly seq: number
}

export interface Subscribed {
  readonly ok: boolean
  readonly ch: number
  readonly symbol: string
  readonly interval: string
  readonly mode: string
  readonly position: Position
  readonly code: number
  readonly message: string
}

export interface Snapshot {
  readonly ch: number
  readonly reason: string
  readonly position: Position
  readonly bars: readonly Bar[]
}

export interface Update {
  readonly ch: number
  /** Epoch, where the message names one. */
  readonly e: number | undefined
  readonly q: number
  /** The number before `q` where updates were conflated. */
  readonly pq: number | undefined
  readonly seq: number | undefined
  readonly bar: Bar
}

export type ServerMessage =
  | {
      readonly type: 'hello'
      readonly authRequired: boolean
      readonly heartbeatMs: number
      readonly store: string | undefined
    }
  | { readonly type: 'auth'; readonly ok: boolean; readonly message: string }
  | { readonly type: 'subscribed'; readonly results: readonly Subscribed[] }
  | { readonly type: 'snapshot'; readonly snapshot: Snapshot }
  | { readonly type: 'updates'; readonly updates: readonly Update[] }
  | { readonly type: 'heartbeat'; readonly q: ReadonlyMap<number, number> }
  | {
      readonly type: 'error'
      readonly code: number
      readonly message: string
      readonly retryAfterMs: number | undefined
    }
  | { readonly type: 'goaway'; readonly rangeMs: readonly [number, number] }
  | { readonly type: 'other' }

type Fields = Readonly<Record<string, unknown>>

/** Reads one text frame; anything unknown is `other`, unknown fields are ignored. Never throws. */
export function decodeMessage(text: string): ServerMessage {
  const m = parsed(text)
  switch (m['type']) {
    case 'hello':
      return {
        type: 'hello',
        authRequired: m['auth'] === 'required',
        heartbeatMs: num(m['heartbeat'], 15) * 1000,
        store: maybeText(m['store']),
      }
    case 'auth':
      return { type: 'auth', ok: m['ok'] === true, message: str(m['message']) }
    case 'subscribed':
      return { type: 'subscribed', results: list(m['results']).map((row) => subscribedOf(fields(row))) }
    case 'snapshot':
      return { type: 'snapshot', snapshot: snapshotOf(m) }
    case 'u':
      return { type: 'updates', updates: [updateOf(m)] }
    case 'b':
      return { type: 'updates', updates: list(m['u']).map((row) => packedUpdateOf(list(row))) }
    case 'hb':
      return { type: 'heartbeat', q: new Map(Object.entries(fields(m['q'])).map(([ch, q]) => [Number(ch), num(q)])) }
    case 'error':
      return { type: 'error', code: num(m['code']), message: str(m['message']), retryAfterMs: maybe(m['retryAfterMs']) }
    case 'goaway': {
      const [from, to] = list(m['reconnectInMs'])
      return { type: 'goaway', rangeMs: [num(from, 500), num(to, 5000)] }
    }
    default:
      return { type: 'other' }
  }
}

function subscribedOf(r: Fields): Subscribed {
  const error = fields(r['error'])
  return {
    ok: r['ok'] === true,
    ch: num(r['ch'], -1),
    symbol: str(r['symbol']),
    interval: str(r['interval']),
    mode: str(r['mode']),
    position: positionOf(r),
    code: num(r['code'] ?? error['code']),
    message: str(r['message'] ?? error['message']),
  }
}

function snapshotOf(m: Fields): Snapshot {
  const rows = list(m['rows']).map((row) => barOf(list(row), true, false))
  const open = list(m['open']).map((row) => barOf(list(row), false, false))
  return { ch: num(m['ch'], -1), reason: str(m['reason']), position: positionOf(m), bars: [...rows, ...open] }
}

function updateOf(m: Fields): Update {
  const corrected = flag(m['r'])
  return {
    ch: num(m['ch'], -1),
    e: maybe(m['e']),
    q: num(m['q']),
    pq: maybe(m['pq']),
    seq: maybe(m['seq']),
    bar: barOf(list(m['k']), flag(m['x']) || corrected, corrected),
  }
}

/** `[ch, q, t, o, h, l, c, v, n, x, pq?]`: only interim updates are conflated into windows. */
function packedUpdateOf(row: readonly unknown[]): Update {
  const pq = maybe(row[10])
  return {
    ch: num(row[0], -1),
    e: undefined,
    q: num(row[1]),
    pq,
    seq: undefined,
    bar: barOf(row.slice(2), flag(row[9]), false),
  }
}

function barOf(k: readonly unknown[], final: boolean, corrected: boolean): Bar {
  return {
    start: num(k[0]),
    open: str(k[1]),
    high: str(k[2]),
    low: str(k[3]),
    close: str(k[4]),
    volume: str(k[5]),
    trades: num(k[6]),
    final,
    corrected,
  }
}

function positionOf(m: Fields): Position {
  return { store: maybeText(m['store']), e: num(m['e']), q: num(m['q']), seq: num(m['seq']) }
}

function parsed(text: string): Fields {
  try {
    return fields(JSON.parse(text))
  } catch {
    return {}
  }
}

/** The fields of a JSON object; none for anything else. */
export function fields(value: unknown): Fields {
  return isFields(value) ? value : {}
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The items of a JSON array; none for anything else. */
export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** A number; `fallback` for anything else. */
export function num(value: unknown, fallback = 0): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : fallback
}

/** A string, or a number's text; empty for anything else. */
export function str(value: unknown): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : ''
}

function maybe(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined
}

function maybeText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function flag(value: unknown): boolean {
  return value === 1 || value === true
}
