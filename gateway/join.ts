import type { ChannelSnapshot, LivePosition } from '../ports/snapshot.ts'
import type { Candle, Emission } from '../schemas/candle.ts'
import type { LiveChannel } from './live-channel.ts'

/** What was read outside the log: the snapshot first, the store second. */
export interface Base {
  readonly snapshot: ChannelSnapshot | undefined
  readonly position: LivePosition | undefined
  /** Newest final candles, ascending. */
  readonly rows: readonly Candle[]
  /** What could not be read. */
  readonly missing: ReadonlySet<'snapshot' | 'store'>
}

/** A channel's content at one position of its emissions. */
export interface Joined {
  readonly e: number
  readonly q: number
  /** Highest `seq` in it. */
  readonly seq: number
  /** Final candles, ascending. */
  readonly rows: readonly Candle[]
  /** The table could not be read: final candles may be missing among the rows, whatever their `seq`. */
  readonly lacksRows: boolean
  /** Windows that are not final and committed, ascending. */
  readonly open: readonly Candle[]
}

/** Whether the ring goes on from the base without a gap. */
export function joins(base: Base, channel: LiveChannel, startOffset: number): boolean {
  const { snapshot, position } = base
  if (!channel.seen) return Math.max(position?.offset ?? -1, snapshot?.offset ?? -1) >= startOffset - 1
  if (snapshot?.e === channel.ring.e) return snapshot.q >= channel.ring.floor
  // A quiet channel: its new owner has put right what was wrong and said so, and the ring holds the whole epoch.
  return (snapshot?.e ?? 0) < channel.ring.e && channel.ring.floor === 0 && position?.e === channel.ring.e
}

/**
 * The base with the log's later emissions on top. A store row wins at equal or higher revision.
 * Where base and ring do not join, the result is a rebuild: the store's rows, and all that the log showed of this epoch.
 *
 * @param epoch Latest epoch of the partition that the log showed; 0 for none.
 */
export function join(base: Base, channel: LiveChannel, joined: boolean, epoch: number, rowsMax: number): Joined {
  const { ring, seen } = channel
  const e = seen ? ring.e : Math.max(base.snapshot?.e ?? 0, base.position?.e ?? 0, epoch)
  const { snapshot } = base
  const snapshotQ = snapshot?.e === e ? snapshot.q : 0
  const rows = new Map(base.rows.map((row) => [row.start, row]))
  const open = new Map((snapshot?.open ?? []).map((candle) => [candle.start, candle]))
  if (!joined) for (const candle of channel.open) open.set(candle.start, candle)
  const later = seen ? ring.after(joined ? snapshotQ : ring.floor) : []
  for (const emission of later) apply(emission, rows, open)
  for (const [start, candle] of open) if ((rows.get(start)?.revision ?? -1) >= candle.revision) open.delete(start)
  const ascending = [...rows.values()].sort(byStart)
  return {
    e,
    q: Math.max(seen ? ring.last : 0, snapshotQ),
    seq: Math.max(snapshot?.seq ?? 0, channel.seq, ...ascending.map((row) => row.seq)),
    rows: rowsMax === 0 ? [] : ascending.slice(-rowsMax),
    lacksRows: base.missing.has('store'),
    open: [...open.values()].sort(byStart),
  }
}

function apply(emission: Emission, rows: Map<number, Candle>, open: Map<number, Candle>): void {
  const { candle } = emission
  if (!candle.final) {
    open.set(candle.start, candle)
    return
  }
  open.delete(candle.start)
  if ((rows.get(candle.start)?.revision ?? -1) < candle.revision) rows.set(candle.start, candle)
}

function byStart(a: Candle, b: Candle): number {
  return a.start - b.start
}
