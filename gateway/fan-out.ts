import type { Emission } from '../schemas/candle.ts'
import { updateText } from './candle-text.ts'
import type { LiveChannel } from './live-channel.ts'

/** A channel with subscribers: its number on the wire, and what waits to be published. */
export interface Fan {
  readonly ch: number
  /** Name of the publish topic. */
  readonly topic: string
  readonly live: LiveChannel
  readonly pending: Emission[]
  subscribers: number
  /** Highest `seq` that every subscriber holds. */
  seq: number
  /** A snapshot is on its way: nothing may be published before it. Counts resets, 0 for none. */
  resetting: number
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
    for (const { text, seq } of conflatedTexts(fan.ch, fan.pending)) {
      publish(fan.topic, text)
      fan.seq = Math.max(fan.seq, seq)
    }
    fan.pending.length = 0
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
      const fan: Fan = { ch, topic: String(ch), live, pending: [], subscribers: 0, seq: 0, resetting: 0 }
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
    flush,
    flushAll,
    fans: () => fans.values(),
  }
}

/** The `u` frames of contiguous emissions; an interim update that a later emission of its candle follows is left out. */
export function conflatedTexts(
  ch: number,
  emissions: readonly Emission[],
): readonly { readonly text: string; readonly seq: number }[] {
  const first = emissions[0]
  if (first === undefined) return []
  const lastOf = new Map(emissions.map((emission) => [emission.candle.start, emission.q]))
  let previousQ = first.q - 1
  const texts: { readonly text: string; readonly seq: number }[] = []
  for (const emission of emissions) {
    if (emission.kind === 'update' && lastOf.get(emission.candle.start) !== emission.q) continue
    texts.push({ text: updateText(ch, emission, previousQ), seq: emission.candle.seq })
    previousQ = emission.q
  }
  return texts
}
