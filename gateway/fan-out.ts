import type { Emission } from '../schemas/candle.ts'
import { packedUpdateText, updateText } from './candle-text.ts'
import type { LiveChannel } from './live-channel.ts'
import { type WindowMs, windowsMs } from './messages.ts'

/** A channel with subscribers: its number on the wire, and what waits to be published. */
export interface Fan {
  readonly ch: number
  /** Name of the publish topic. */
  readonly topic: string
  readonly live: LiveChannel
  readonly pending: Emission[]
  /** What waits for the end of a window, for those who asked for one. */
  readonly windows: Map<WindowMs, Emission[]>
  subscribers: number
  /** Every subscriber holds what is final up to this `seq`. */
  seq: number
  /** The table could not be read for what they were sent last: `seq` stays until they hold all again. */
  lacksRows: boolean
  /** A snapshot is on its way: nothing may be published before it. Counts resets, 0 for none. */
  resetting: number
  /** What subscribers were sent lacks what a store that was down knows: a whole snapshot is owed to all. */
  isOwed: boolean
}

export interface FanOut {
  /** The channel's fan, made on first use; its number stays for the life of the gateway. */
  open(live: LiveChannel): Fan
  find(live: LiveChannel): Fan | undefined
  /** Takes an emission for the next flush. */
  emission(live: LiveChannel, emission: Emission): void
  /** Publishes what waits, at once. */
  flush(fan: Fan): void
  flushAll(): void
  /** Publishes what waited for the end of this window. */
  flushWindow(windowMs: WindowMs): void
  /** From now on the window's emissions of this channel are kept for it. */
  openWindow(fan: Fan, windowMs: WindowMs): void
  /** To everyone who follows the channel, whatever the window. */
  publishToAll(fan: Fan, text: string): void
  fans(): Iterable<Fan>
}

/** Emissions of one channel that wait for a flush at most. */
const pendingMax = 4096

/**
 * Publishes each channel's emissions in bursts: all that came in one turn of the event loop, every candle's last interim
 * update only, finals and corrections all.
 */
export function createFanOut(publish: (topic: string, text: string) => void): FanOut {
  const fans = new Map<LiveChannel, Fan>()
  const dirty = new Set<Fan>()
  let scheduled = false

  const flush = (fan: Fan) => {
    dirty.delete(fan)
    if (fan.pending.length === 0) return
    for (const { text, seq } of conflatedTexts(fan.ch, fan.pending, seqMaxOf(fan), before(fan.pending))) {
      publish(fan.topic, text)
      fan.seq = Math.max(fan.seq, seq)
    }
    for (const [windowMs, waiting] of fan.windows) {
      waiting.push(...fan.pending)
      if (waiting.length >= pendingMax) flushOneWindow(fan, windowMs)
    }
    fan.pending.length = 0
  }
  const flushOneWindow = (fan: Fan, windowMs: WindowMs) => {
    const waiting = fan.windows.get(windowMs)
    if (waiting === undefined || waiting.length === 0) return
    for (const text of windowTexts(fan.ch, waiting, seqMaxOf(fan))) publish(windowTopic(fan, windowMs), text)
    waiting.length = 0
    if (fan.subscribers === 0) fan.windows.delete(windowMs)
  }
  const flushWhole = (fan: Fan) => {
    flush(fan)
    for (const windowMs of windowsMs) flushOneWindow(fan, windowMs)
  }
  const flushAll = () => {
    scheduled = false
    for (const fan of dirty) flush(fan)
  }

  return {
    open(live) {
      const known = fans.get(live)
      if (known !== undefined) return known
      const ch = fans.size + 1
      const fan: Fan = {
        ch,
        topic: String(ch),
        live,
        pending: [],
        windows: new Map(),
        subscribers: 0,
        seq: 0,
        lacksRows: false,
        resetting: 0,
        isOwed: false,
      }
      fans.set(live, fan)
      return fan
    },
    find: (live) => fans.get(live),
    emission(live, emission) {
      const fan = fans.get(live)
      if (fan === undefined || fan.subscribers === 0 || fan.resetting > 0) return
      fan.pending.push(emission)
      if (fan.pending.length >= pendingMax) return flush(fan)
      dirty.add(fan)
      if (scheduled) return
      scheduled = true
      setImmediate(flushAll)
    },
    flush: flushWhole,
    flushAll,
    flushWindow(windowMs) {
      for (const fan of fans.values()) if (fan.windows.has(windowMs)) flushOneWindow(fan, windowMs)
    },
    openWindow(fan, windowMs) {
      if (!fan.windows.has(windowMs)) fan.windows.set(windowMs, [])
    },
    publishToAll(fan, text) {
      publish(fan.topic, text)
      for (const windowMs of fan.windows.keys()) publish(windowTopic(fan, windowMs), text)
    },
    fans: () => fans.values(),
  }
}

/** Name of the topic that a subscription with this window follows; 0 is none. */
export function windowTopic(fan: Fan, windowMs: WindowMs | 0): string {
  return windowMs === 0 ? fan.topic : `${fan.topic}/${windowMs}`
}

/** No frame may make subscribers believe that they hold more. */
function seqMaxOf(fan: Fan): number {
  return fan.lacksRows ? fan.seq : Number.POSITIVE_INFINITY
}

/** The frames of one window: interim updates packed into `b`, finals and corrections as `u` in their places. */
export function windowTexts(ch: number, emissions: readonly Emission[], seqMax: number): readonly string[] {
  const texts: string[] = []
  let packed: string[] = []
  const pack = () => {
    if (packed.length > 0) texts.push(`{"type":"b","u":[${packed.join(',')}]}`)
    packed = []
  }
  for (const { emission, previousQ } of conflated(emissions, before(emissions))) {
    if (emission.kind === 'update') packed.push(packedUpdateText(ch, emission, previousQ))
    else {
      pack()
      texts.push(updateText(ch, emission, previousQ, seqMax))
    }
  }
  pack()
  return texts
}

/** The number before contiguous emissions. */
function before(emissions: readonly Emission[]): number {
  return (emissions[0]?.q ?? 1) - 1
}

/**
 * The `u` frames of emissions; an interim update that a later emission of its candle follows is left out.
 *
 * @param heldQ The number that the receiver holds; what is missing behind it, later emissions have replaced.
 */
export function conflatedTexts(
  ch: number,
  emissions: readonly Emission[],
  seqMax: number,
  heldQ: number,
): readonly { readonly text: string; readonly seq: number }[] {
  return conflated(emissions, heldQ).map(({ emission, previousQ }) => ({
    text: updateText(ch, emission, previousQ, seqMax),
    seq: Math.min(emission.candle.seq, seqMax),
  }))
}

function conflated(emissions: readonly Emission[], heldQ: number) {
  const lastOf = new Map(emissions.map((emission) => [emission.candle.start, emission.q]))
  const kept: { readonly emission: Emission; readonly previousQ: number }[] = []
  let previousQ = heldQ
  for (const emission of emissions) {
    if (emission.kind === 'update' && lastOf.get(emission.candle.start) !== emission.q) continue
    kept.push({ emission, previousQ })
    previousQ = emission.q
  }
  return kept
}
