import type { Candle, Emission } from '../schemas/candle.ts'
import { createResumeRing, type Position, type ResumeRing, type RingLimits } from './resume-ring.ts'

/** What the gateway knows of one symbol and interval from the log alone. */
export interface LiveChannel {
  readonly symbol: string
  /** Seconds. */
  readonly interval: number
  readonly partition: number
  /** False until the log said anything of it: its ring then starts nowhere. */
  seen: boolean
  readonly ring: ResumeRing<Emission>
  /** Latest emission of every window that is not final: the ring holds no earlier one of it. They are one or two. */
  open: Candle[]
  /** Highest `seq` seen. */
  seq: number
  /** Grows whenever the ring starts anew. */
  generation: number
}

/** Open windows of one channel at most; the oldest goes first. */
const openWindowsMax = 64

export function createLiveChannel(
  symbol: string,
  interval: number,
  partition: number,
  limits: RingLimits,
): LiveChannel {
  return {
    symbol,
    interval,
    partition,
    seen: false,
    ring: createResumeRing(limits),
    open: [],
    seq: 0,
    generation: 0,
  }
}

/** What an emission does to a channel: `duplicate` changes nothing; `gap` lost some before it. */
export type Applied = 'next' | 'first' | 'duplicate' | 'gap'

/** Applies an emission of the channel's own epoch, or the first one seen. */
export function applyEmission(channel: LiveChannel, emission: Emission, now: number): Applied {
  const { ring } = channel
  const first = !channel.seen
  if (!first && emission.e === ring.e && emission.q <= ring.last) return 'duplicate'
  const gap = !first && (emission.e !== ring.e || emission.q !== ring.last + 1)
  if (first || gap) {
    ring.reset(emission.e, emission.q - 1)
    channel.generation++
  }
  channel.seen = true
  const { start } = emission.candle
  const isOpen = channel.open.some((candle) => candle.start === start)
  const isReplaced = ({ kind, candle }: Emission): boolean => kind === 'update' && candle.start === start
  ring.push(emission.q, now, emission, isOpen ? isReplaced : undefined)
  applyToOpen(channel, emission.candle)
  return first ? 'first' : gap ? 'gap' : 'next'
}

/** The log said nothing yet, but a snapshot did: what follows is judged from its position. */
export function seedChannel(channel: LiveChannel, position: Position): void {
  if (channel.seen) return
  channel.ring.reset(position.e, position.q)
  channel.seen = true
}

/** A new owner: nothing of an earlier epoch counts, and everything of this one will be seen. */
export function startEpoch(channel: LiveChannel, e: number): void {
  channel.ring.reset(e, 0)
  channel.generation++
  channel.open = []
  channel.seen = true
}

function applyToOpen(channel: LiveChannel, candle: Candle): void {
  const { open } = channel
  channel.seq = Math.max(channel.seq, candle.seq)
  const known = open.findIndex(({ start }) => start === candle.start)
  if (candle.final) {
    if (known >= 0) open.splice(known, 1)
  } else if (known >= 0) open[known] = candle
  else {
    open.push(candle)
    if (open.length > openWindowsMax) open.splice(open.indexOf(open.reduce(earlier)), 1)
  }
}

const earlier = (one: Candle, other: Candle): Candle => (other.start < one.start ? other : one)
