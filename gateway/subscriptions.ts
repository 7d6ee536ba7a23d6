import type { Emission } from '../schemas/candle.ts'
import { messageOf } from '../schemas/errors.ts'
import { intervalName, intervalOf } from '../schemas/intervals.ts'
import type { Attachment, BaseReader } from './base-reader.ts'
import { conflatedTexts, type Fan, type FanOut, windowTopic } from './fan-out.ts'
import type { Joined } from './join.ts'
import { type LiveChannel, seedChannel } from './live-channel.ts'
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
import { partSince, snapshotText, wholePart } from './snapshot-frame.ts'

type Asked = SubscribeOp['channels'][number]
type Since = NonNullable<Asked['since']>

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

/** A channel that a connection has just come to, and what it is to be sent before it follows. */
interface Entered {
  readonly fan: Fan
  readonly subscription: Subscription
  /** Once the frames are out, the client holds what is final up to it. */
  readonly seq: number
  readonly frames: readonly string[]
}

/** What a client at `since` missed; undefined where it cannot go on, or lacks a final candle that is not part of that. */
function replayed(channel: LiveChannel, joined: Joined, since: Since): readonly Emission[] | undefined {
  const { recovered, replay } = channel.ring.since(since)
  if (!recovered) return undefined
  const told = new Set(replay.map(({ candle }) => candle.seq))
  return joined.rows.every(({ seq }) => seq <= since.seq || told.has(seq)) ? replay : undefined
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
    const joined = attachment.join()
    seedChannel(channel, joined)
    const { e, q } = joined
    const head = { ok: true, ch: fan.ch, symbol, interval, store: storeId, e, q }
    const following = session.subscriptions.get(fan)
    if (following !== undefined)
      return { result: { ...head, seq: following.seq ?? 0, mode: 'resumed', replay: 0 }, entered: undefined }
    if (fan.subscribers === 0) {
      fan.seq = joined.seq
      fan.lacksRows = false
    }
    const { since } = asked
    const held = since?.store === storeId ? since : undefined
    const subscription: Subscription = { rowsMax: asked.snapshot, windowMs, seq: held?.seq }
    attach(session, fan, subscription)
    const replay = held === undefined || fan.resetting > 0 ? undefined : replayed(channel, joined, held)
    if (held !== undefined && replay !== undefined) {
      const seq = joined.lacksRows ? held.seq : joined.seq
      if (joined.lacksRows) lack(fan, seq)
      const frames = conflatedTexts(fan.ch, replay, seq, held.q) // none of them is above it
      const result = { ...head, seq, mode: 'resumed', replay: frames.length }
      return { result, entered: { fan, subscription, seq, frames: frames.map(({ text }) => text) } }
    }
    const part =
      held === undefined
        ? wholePart(joined, asked.snapshot, since === undefined ? 'initial' : 'reset')
        : partSince(joined, held.seq, 'epoch')
    const isPart = base.missing.size > 0
    if (joined.lacksRows) lack(fan, part.seq)
    else if (isPart) owe(fan)
    const mode = isPart ? 'live-only' : since === undefined ? 'snapshot' : 'reset'
    const frames = [snapshotText(fan.ch, joined, part)]
    return { result: { ...head, seq: part.seq, mode }, entered: { fan, subscription, seq: part.seq, frames } }
  }

  /** A subscriber holds no more than this for sure, until the table can be read again. */
  const lack = (fan: Fan, seq: number) => {
    fan.seq = Math.min(fan.seq, seq)
    fan.lacksRows = true
    owe(fan)
  }

  const deliver = (session: Session, { fan, subscription, seq, frames }: Entered) => {
    const room = bufferedBytes(session) < snapshotBytesMax && session.laggingSince === undefined
    const arrived = room && frames.every((frame) => send(session, frame) === 'sent')
    if (!arrived) return void session.dirty.add(fan)
    subscription.seq = seq
    follow(session, fan)
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
    const { seq, rowsMax } = subscription
    const part = seq === undefined ? wholePart(joined, rowsMax, 'reset') : partSince(joined, seq, 'lagging')
    session.ws?.cork(() => {
      if (send(session, snapshotText(fan.ch, joined, part)) === 'dropped') return
      subscription.seq = part.seq
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
        const results = outcomes.map((outcome) => {
          const { asked } = outcome
          if ('attachment' in outcome && outcome.attachment.usable())
            return enter(session, asked, op.window, outcome.attachment)
          const { kind, message } = 'kind' in outcome ? outcome : startsAnew
          return {
            entered: undefined,
            result: { ok: false, symbol: asked.symbol, interval: asked.interval, ...errors[kind], message },
          }
        })
        send(session, JSON.stringify({ type: 'subscribed', id: op.id, results: results.map(({ result }) => result) }))
        if (outcomes.some((outcome) => 'attachment' in outcome && outcome.attachment.base.missing.size > 0))
          sendError(session, 'snapshotDown', op.id, 'a store is down: snapshots hold what the log still shows', 5000)
        for (const { entered } of results) if (entered !== undefined) deliver(session, entered)
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
