import type { Fan } from './fan-out.ts'
import { type CloseKind, closes, type ErrorKind, errorText, limits, type MessageId, type WindowMs } from './messages.ts'

/** What the gateway uses of a WebSocket. */
export interface Socket {
  /** @returns 2 where the message was dropped. */
  send(text: string): number
  end(code: number, reason: string): void
  getBufferedAmount(): number
  subscribe(topic: string): boolean
  unsubscribe(topic: string): boolean
  cork(task: () => void): unknown
}

/** One channel of one connection. */
export interface Subscription {
  /** Rows that its snapshots hold at most. */
  readonly rowsMax: number
  readonly windowMs: WindowMs | 0
  /** The client holds what is final up to this `seq`; undefined: what it holds, if anything, counts for nothing. */
  seq: number | undefined
}

/** One connection. After `closed` nothing of the socket may be touched: every call would throw. */
export interface Session {
  readonly conn: string
  ws: Socket | undefined
  closed: boolean
  authed: boolean
  /** The bearer token of the upgrade was wrong. */
  readonly refused: CloseKind | undefined
  /** Ms, monotonic. */
  readonly openedAt: number
  readonly subscriptions: Map<Fan, Subscription>
  /** Channels that wait for a snapshot because the socket was full. */
  readonly dirty: Set<Fan>
  /** Ms, monotonic, since when the socket is full; undefined where it keeps up. */
  laggingSince: number | undefined
  pumping: boolean
  tokens: number
  tokensAt: number
  /** Messages over the rate since the last that was not. */
  overRate: number
  /** Operations go one after the other. */
  tail: Promise<void>
  waiting: number
}

export function createSession(conn: string, now: number, authed: boolean, refused: CloseKind | undefined): Session {
  return {
    conn,
    ws: undefined,
    closed: false,
    authed,
    refused,
    openedAt: now,
    subscriptions: new Map(),
    dirty: new Set(),
    laggingSince: undefined,
    pumping: false,
    tokens: limits.burst,
    tokensAt: now,
    overRate: 0,
    tail: Promise.resolve(),
    waiting: 0,
  }
}

/** What became of a frame: `dropped` where the socket's budget was used up or it is closed. */
export type Sent = 'sent' | 'dropped'

const statusDropped = 2

export function send(session: Session, text: string): Sent {
  if (session.closed || session.ws === undefined) return 'dropped'
  return session.ws.send(text) === statusDropped ? 'dropped' : 'sent'
}

export function sendError(
  session: Session,
  kind: ErrorKind,
  id: MessageId,
  message: string,
  retryAfterMs?: number,
): void {
  send(session, errorText(kind, id, message, retryAfterMs ?? null))
}

export function closeSession(session: Session, kind: CloseKind): void {
  if (session.closed || session.ws === undefined) return
  const { code, reason } = closes[kind]
  session.ws.end(code, reason)
}

/** Bytes that wait in the socket's buffer. */
export function bufferedBytes(session: Session): number {
  return session.closed || session.ws === undefined ? 0 : session.ws.getBufferedAmount()
}

/**
 * Takes one message from the connection's token bucket.
 *
 * @returns 0 where it may pass, else ms until the next may.
 */
export function takeToken(session: Session, now: number): number {
  const refilled = session.tokens + ((now - session.tokensAt) / 1000) * limits.msgPerSec
  session.tokens = Math.min(limits.burst, refilled)
  session.tokensAt = now
  if (session.tokens < 1) return Math.ceil(((1 - session.tokens) / limits.msgPerSec) * 1000)
  session.tokens--
  return 0
}
