import type { Candle } from '../schemas/candle.ts'
import { messageOf } from '../schemas/errors.ts'
import { intervalName, intervalOf } from '../schemas/intervals.ts'
import type { Attachment, BaseReader } from './base-reader.ts'
import { candleRow } from './candle-text.ts'
import { conflatedTexts, type Fan, type FanOut, windowTopic } from './fan-out.ts'
import type { Joined } from './join.ts'
import { seedChannel } from './live-channel.ts'
import {
  type ErrorKind,
  errors,
  intervalNames,
  limits,
  type SubscribeOp,
  type UnsubscribeOp,
  type WindowMs,
} from './messages.ts'
import { bufferedBytes, type Session, type Subscription, send, sendError } from './session.ts'

type Asked = SubscribeOp['channels'][number]

/** Why a snapshot is sent: the first two replace all the client holds, the others add to it; `open` always replaces. */
export type SnapshotReason = 'initial' | 'reset' | 'epoch' | 'lagging'

type Outcome =
  | { readonly asked: Asked; readonly attachment: Attachment }
  | { readonly asked: Asked; readonly kind: ErrorKind; readonly message: string }

export interface Subscriptions {
  subscribe(session: Session, op: SubscribeOp): Promise<void>
  unsubscribe(session: Session, op: UnsubscribeOp): void
  list(session: Session): readonly { readonly ch: number; readonly symbol: string; readonly interval: string }[]
  /** Sends a snapshot of each dirty channel, as far as the socket takes them, and subscribes it again. */
  pump(session: Session): Promise<void>
  /** The connection is gone. */
  drop(session: Session): void
}

/** Bytes that may wait in a socket before further snapshots wait for it to drain. */
const snapshotBytesMax = 256 * 1024
/** Times that channels of one request are read again at most. */
const roundsMax = 20
/** A lagging socket is served again below this. */
export const drainedBytes = 8 * 1024

/** Text of a `snapshot` message. */
export function snapshotText(ch: number, joined: Joined, rows: readonly Candle[], reason: SnapshotReason): string {
  return JSON.stringify({
    type: 'snapshot',
    ch,
    e: joined.e,
    q: joined.q,
    reason,
    cols: ['t', 'o', 'h', 'l', 'c', 'v', 'n'],
    rows: rows.map(candleRow),
    open: joined.open.map(candleRow),
    seq: joined.seq,
  })
}

/** Rows above `seq`, or all of them as a `reset` where that may leave some out. */
export function rowsSince(joined: Joined, seq: number, rowsMax: number, reason: SnapshotReason) {
  const rows = joined.rows.filter((row) => row.seq > seq)
  const whole = rows.length < joined.rows.length || joined.rows.length < rowsMax
  return whole ? { rows, reason } : { rows: joined.rows, reason: 'reset' as const }
}

const startsAnew = { kind: 'internal', message: 'the channel starts anew: try again' } as const

/** Attaches connections to channels: what is sent and the subscription to what follows are one synchronous block. */
export function createSubscriptions(deps: {
  readonly storeId: string
  readonly reader: BaseReader
  readonly fanOut: FanOut
  /** Called where a subscriber is sent less than there is, because a store is down. */
  owe(fan: Fan): void
}): Subscriptions {
  const { reader, fanOut, storeId, owe } = deps

  const attach = (session: Session, fan: Fan, subscription: Subscription) => {
    if (!session.subscriptions.has(fan)) fan.subscribers++
    session.subscriptions.set(fan, subscription)
  }
  const detach = (session: Session, fan: Fan) => {
    if (!session.subscriptions.delete(fan)) return
    session.dirty.delete(fan)
    fan.subscribers--
  }
  const follow = (session: Session, fan: Fan) => {
    session.dirty.delete(fan)
    const windowMs = session.subscriptions.get(fan)?.windowMs ?? 0
    if (windowMs !== 0) fanOut.openWindow(fan, windowMs)
    session.ws?.subscribe(windowTopic(fan, windowMs))
  }
  const prepare = async (asked: Asked): Promise<Outcome> => {
    const interval = intervalOf(asked.interval)
    if (interval === undefined)
      return { asked, kind: 'interval', message: `interval is one of ${intervalNames.join(', ')}` }
    try {
      const attachment = await reader.read(asked.symbol, interval, limits.snapshot)
      if (attachment === undefined) return { asked, kind: 'symbol', message: 'no such symbol' }
      return { asked, attachment }
    } catch (error) {
      return { asked, kind: 'internal', message: messageOf(error) }
    }
  }

  const stale = (outcome: Outcome) => 'attachment' in outcome && !outcome.attachment.usable()
  const again = async (outcome: Outcome) => (stale(outcome) ? prepare(outcome.asked) : outcome)

  /** One channel, synchronously: its result, and what is to be sent after all results. */
  const enter = (session: Session, asked: Asked, windowMs: WindowMs | 0, attachment: Attachment) => {
    const { channel, base } = attachment
    const fan = fanOut.open(channel)
    fanOut.flush(fan)
    const { symbol, interval } = asked
    const head = { ok: true, ch: fan.ch, symbol, interval, store: storeId }
    const joined = attachment.join()
    seedChannel(channel, joined)
    const at = { e: joined.e, q: joined.q, seq: joined.seq }
    if (session.subscriptions.has(fan))
      return { fan: undefined, frames: [], result: { ...head, ...at, mode: 'resumed', replay: 0 } }
    fan.seq = fan.subscribers === 0 ? joined.seq : fan.seq
    const { since } = asked
    const subscription = { rowsMax: asked.snapshot, windowMs, seq: since?.seq ?? joined.seq }
    attach(session, fan, subscription)
    const ours = since !== undefined && since.store === storeId
    const resumption = ours && fan.resetting === 0 ? channel.ring.since(since) : undefined
    if (resumption?.recovered === true) {
      const frames = conflatedTexts(fan.ch, resumption.replay).map((frame) => frame.text)
      const result = { ...head, ...at, mode: 'resumed', replay: frames.length }
      return { result, fan, frames }
    }
    const known = ours ? rowsSince(joined, since.seq, limits.snapshot, 'epoch') : undefined
    const reason = known?.reason ?? (since === undefined ? 'initial' : 'reset')
    const newest = asked.snapshot === 0 ? [] : joined.rows.slice(-asked.snapshot)
    const rows = known?.reason === 'epoch' ? known.rows : newest
    subscription.seq = joined.seq
    const isPart = base.missing.size > 0
    if (isPart) owe(fan)
    const mode = isPart ? 'live-only' : since === undefined ? 'snapshot' : 'reset'
    return { result: { ...head, ...at, mode }, fan, frames: [snapshotText(fan.ch, joined, rows, reason)] }
  }

  const deliver = (session: Session, fan: Fan, frames: readonly string[]) => {
    const room = bufferedBytes(session) < snapshotBytesMax && session.laggingSince === undefined
    const arrived = room && frames.every((frame) => send(session, frame) === 'sent')
    if (arrived) follow(session, fan)
    else session.dirty.add(fan)
  }

  const pumpOne = async (session: Session, fan: Fan): Promise<void> => {
    const { symbol, interval } = fan.live
    const attachment = await reader.read(symbol, interval, limits.snapshot)
    const subscription = session.subscriptions.get(fan)
    if (session.closed || subscription === undefined || !session.dirty.has(fan)) return
    if (attachment?.usable() !== true || attachment.base.missing.has('store')) return // the next tick tries again
    if (attachment.base.missing.size > 0) owe(fan)
    fanOut.flush(fan)
    const joined = attachment.join()
    const { rows, reason } = rowsSince(joined, subscription.seq, limits.snapshot, 'lagging')
    session.ws?.cork(() => {
      if (send(session, snapshotText(fan.ch, joined, rows, reason)) === 'dropped') return
      subscription.seq = joined.seq
      follow(session, fan)
    })
  }

  return {
    async subscribe(session, op) {
      const wanted = new Set(op.channels.map(({ symbol, interval }) => `${symbol} ${interval}`))
      for (const fan of session.subscriptions.keys())
        wanted.add(`${fan.live.symbol} ${intervalName(fan.live.interval)}`)
      if (wanted.size > limits.channels)
        return sendError(session, 'channelLimit', op.id, `a connection has at most ${limits.channels} channels`)
      let outcomes = await Promise.all(op.channels.map(prepare))
      // What was ready early may have started anew while others were read. No await may follow the last check.
      for (let round = 1; outcomes.some(stale) && round <= roundsMax; round++)
        outcomes = await Promise.all(outcomes.map(again))
      if (session.closed) return
      session.ws?.cork(() => {
        const entered = outcomes.map((outcome) => {
          const { asked } = outcome
          if ('attachment' in outcome && outcome.attachment.usable())
            return enter(session, asked, op.window, outcome.attachment)
          const { kind, message } = 'kind' in outcome ? outcome : startsAnew
          return {
            fan: undefined,
            frames: [],
            result: { ok: false, symbol: asked.symbol, interval: asked.interval, ...errors[kind], message },
          }
        })
        send(session, JSON.stringify({ type: 'subscribed', id: op.id, results: entered.map(({ result }) => result) }))
        if (outcomes.some((outcome) => 'attachment' in outcome && outcome.attachment.base.missing.size > 0))
          sendError(session, 'snapshotDown', op.id, 'a store is down: snapshots hold what the log still shows', 5000)
        for (const { fan, frames } of entered) if (fan !== undefined) deliver(session, fan, frames)
      })
    },
    unsubscribe(session, op) {
      const results = op.channels.map(({ symbol, interval }) => {
        const fan = [...session.subscriptions.keys()].find(
          ({ live }) => live.symbol === symbol && intervalName(live.interval) === interval,
        )
        if (fan === undefined) return { ok: false, symbol, interval, ...errors.notSubscribed }
        fanOut.flush(fan)
        session.ws?.unsubscribe(windowTopic(fan, session.subscriptions.get(fan)?.windowMs ?? 0))
        detach(session, fan)
        return { ok: true, ch: fan.ch, symbol, interval }
      })
      send(session, JSON.stringify({ type: 'unsubscribed', id: op.id, results }))
    },
    list: (session) =>
      [...session.subscriptions.keys()].map((fan) => ({
        ch: fan.ch,
        symbol: fan.live.symbol,
        interval: intervalName(fan.live.interval),
      })),
    async pump(session) {
      if (session.pumping) return
      session.pumping = true
      try {
        for (const fan of session.dirty) {
          if (session.closed || bufferedBytes(session) >= drainedBytes) return
          await pumpOne(session, fan)
        }
      } finally {
        session.pumping = false
      }
    },
    drop(session) {
      for (const fan of [...session.subscriptions.keys()]) detach(session, fan)
    },
  }
}
