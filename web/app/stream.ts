import { closeReason, type Next, nextAfterClose } from './back-off.ts'
import type { BookChange, CandleBook } from './candle-book.ts'
import { decodeMessage, type ServerMessage, type Subscribed, type Update } from './protocol.ts'
import type { View } from './route.ts'

/** What the person in front of the screen may know of the connection. */
export type StreamState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'connecting' }
  | { readonly kind: 'live' }
  | { readonly kind: 'live-only' }
  | { readonly kind: 'waiting'; readonly untilMs: number; readonly reason: string }
  | { readonly kind: 'stopped'; readonly reason: string }
  | { readonly kind: 'sign-in'; readonly reason: string }

/** What the stream needs and whom it tells. */
export interface StreamOptions {
  readonly url: string
  readonly token: () => string | undefined
  readonly onState: (state: StreamState) => void
  readonly onChange: (change: BookChange) => void
  /** The server does not offer what was asked; the text says why. */
  readonly onRefused: (message: string) => void
}

/** Candles asked for with a subscription. */
const snapshotRows = 500
/** Gaps that are mended on one socket before it is given up. */
const gapsMax = 3
/** A heartbeat that names a higher `q` may run ahead of a window frame by this much. */
const tailGraceMs = 2500
/** Silence for this many heartbeats means that the peer is gone. */
const silentHeartbeats = 3

/** Errors that say why there is nothing to see: forbidden, symbol, interval, channel limit. */
const refusals = new Set([1103, 1200, 1201, 1204])
/** Refusals that time may lift: a symbol appears with its first tick. */
const passing = new Set([1200, 1500])
const refusedRetryMs = 5000
const liveOnlyRetryMs = 15_000
const refusedToken = 'The token was refused.'

/** One socket, one channel: subscribes, checks contiguity, resumes, reconnects. At most one timer of each kind runs. */
export function createStream(options: StreamOptions) {
  let socket: WebSocket | undefined
  let view: View | undefined
  let book: CandleBook | undefined
  let channel = -1
  let state: StreamState = { kind: 'idle' }
  let failures = 0
  let gaps = 0
  let nextId = 1
  let heartbeatMs = 15_000
  let authenticated = false
  let store: string | undefined
  let goawayMs: readonly [number, number] | undefined
  let retryTimer = 0
  let silenceTimer = 0
  let tailTimer = 0

  function tell(next: StreamState): void {
    state = next
    options.onState(next)
  }

  function send(message: Record<string, unknown>): void {
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ ...message, id: nextId++ }))
  }

  function open(): void {
    leave()
    tell({ kind: 'connecting' })
    const fresh = new WebSocket(options.url, ['candles.v1'])
    socket = fresh
    fresh.onmessage = (event: MessageEvent<unknown>) => {
      if (typeof event.data !== 'string') return
      watchSilence()
      receive(decodeMessage(event.data))
    }
    fresh.onclose = (event) => closed(event.code)
    watchSilence()
  }

  /** Lets go of the socket without listening to its end. */
  function leave(): void {
    for (const timer of [retryTimer, silenceTimer, tailTimer]) clearTimeout(timer)
    if (socket !== undefined) {
      socket.onmessage = null
      socket.onclose = null
      socket.close()
    }
    socket = undefined
    channel = -1
    authenticated = false
    gaps = 0
  }

  function closed(code: number): void {
    const next = nextAfterClose({ code, failures, goawayMs, random: Math.random() })
    failures++
    goawayMs = undefined
    leave()
    follow(next, code)
  }

  function follow(next: Next, code: number): void {
    if (next.kind === 'sign-in') tell({ kind: 'sign-in', reason: 'The server asks for a valid token.' })
    else if (next.kind === 'stop') tell({ kind: 'stopped', reason: closeReason(code) })
    else {
      tell({ kind: 'waiting', untilMs: Date.now() + next.waitMs, reason: closeReason(code) })
      retryTimer = setTimeout(open, next.waitMs)
    }
  }

  function watchSilence(): void {
    clearTimeout(silenceTimer)
    silenceTimer = setTimeout(() => closed(4003), heartbeatMs * silentHeartbeats)
  }

  function signIn(reason: string): void {
    leave()
    tell({ kind: 'sign-in', reason })
  }

  function subscribe(): void {
    if (view === undefined || book === undefined) return
    const since = book.position()
    const asked = since?.store === undefined ? { snapshot: snapshotRows } : { snapshot: snapshotRows, since }
    channel = -1
    send({ op: 'subscribe', channels: [{ symbol: view.symbol, interval: view.interval, ...asked }] })
  }

  function unsubscribe(): void {
    if (view === undefined) return
    send({ op: 'unsubscribe', channels: [{ symbol: view.symbol, interval: view.interval }] })
    channel = -1
  }

  function receive(message: ServerMessage): void {
    switch (message.type) {
      case 'hello':
        store = message.store
        greet(message.authRequired, message.heartbeatMs)
        break
      case 'auth':
        signedIn(message.ok, message.message)
        break
      case 'subscribed':
        for (const result of message.results) subscribed(result)
        break
      case 'snapshot':
        if (message.snapshot.ch === channel && book !== undefined) applied(book.snapshot(message.snapshot))
        break
      case 'updates':
        applyAll(message.updates)
        break
      case 'heartbeat':
        checkTail(message.q.get(channel))
        break
      case 'error':
        failed(message.code, message.message, message.retryAfterMs)
        break
      case 'goaway':
        goawayMs = message.rangeMs
        break
      case 'other':
    }
  }

  function greet(authRequired: boolean, everyMs: number): void {
    heartbeatMs = everyMs
    const token = options.token()
    if (!authRequired) signedIn(true, '')
    else if (token === undefined) signIn('')
    else send({ op: 'auth', token })
  }

  function signedIn(ok: boolean, message: string): void {
    authenticated = ok
    if (ok) subscribe()
    else signIn(message || refusedToken)
  }

  function subscribed(result: Subscribed): void {
    if (result.symbol !== view?.symbol || result.interval !== view.interval) return
    if (!result.ok) {
      tell({ kind: 'live' })
      options.onRefused(`${result.symbol} ${result.interval}: ${result.message || 'not available'}`)
      if (passing.has(result.code)) again(refusedRetryMs)
      return
    }
    channel = result.ch
    failures = 0
    book?.subscribed({ ...result, position: { ...result.position, store: result.position.store ?? store } })
    if (result.mode !== 'live-only') tell({ kind: 'live' })
    else {
      liveOnly()
      options.onChange({ kind: 'all' })
    }
  }

  /** Without a snapshot: asks for one again after a while. */
  function liveOnly(): void {
    tell({ kind: 'live-only' })
    again(liveOnlyRetryMs * (0.75 + Math.random() / 2))
  }

  function again(waitMs: number): void {
    clearTimeout(retryTimer)
    retryTimer = setTimeout(() => {
      if (channel >= 0) unsubscribe()
      subscribe()
    }, waitMs)
  }

  function applyAll(updates: readonly Update[]): void {
    for (const update of updates) {
      if (update.ch !== channel || book === undefined) continue
      const change = book.update(update)
      if (change.kind === 'gap') {
        mend()
        return
      }
      applied(change)
    }
  }

  function applied(change: BookChange): void {
    if (change.kind !== 'none') options.onChange(change)
  }

  /** Asks again from the last good position; a socket that keeps losing updates is given up. */
  function mend(): void {
    if (++gaps > gapsMax) closed(4005)
    else {
      unsubscribe()
      subscribe()
    }
  }

  function checkTail(q: number | undefined): void {
    clearTimeout(tailTimer)
    const behind = () => q !== undefined && q > (book?.position()?.q ?? q)
    if (behind())
      tailTimer = setTimeout(() => {
        if (behind()) mend()
      }, tailGraceMs)
  }

  function failed(code: number, message: string, retryAfterMs: number | undefined): void {
    if (code >= 1100 && code <= 1102) signIn(message || refusedToken)
    else if (code === 1400) liveOnly()
    else if ((code === 1300 || code === 1500) && channel < 0) again(Math.max(500, retryAfterMs ?? 1000))
    else if (refusals.has(code)) options.onRefused(message)
  }

  return {
    state: (): StreamState => state,

    /** Shows `next` from now on, through `into`; the socket stays. */
    select(next: View, into: CandleBook): void {
      if (channel >= 0) unsubscribe()
      view = next
      book = into
      gaps = 0
      if (authenticated) clearTimeout(retryTimer)
      if (authenticated) subscribe()
      else if (state.kind === 'idle') open()
    },

    /** Connects now: a person, the network or a fresh token asks for it. */
    connect(): void {
      if (view === undefined || state.kind === 'live' || state.kind === 'live-only') return
      failures = 0
      open()
    },

    close: leave,
  }
}
