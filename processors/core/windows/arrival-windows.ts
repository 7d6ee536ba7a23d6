import type { Codec } from '../codec.ts'
import { createKeyedState } from '../keyed-state.ts'
import type { Aggregate } from './aggregate.ts'
import type { EventWindows } from './keyed-windows.ts'
import type { WindowEmission } from './window-entry.ts'

/** A window that is not full yet. */
interface Filling<Acc> {
  /** Event time of the first event that arrived. */
  readonly start: number
  /** Greatest event time + 1. */
  readonly end: number
  readonly count: number
  readonly acc: Acc
  /** Changed since the last pulse. */
  readonly isFresh: boolean
}

export interface ArrivalWindowsOptions<In, Acc> {
  readonly aggregate: Pick<Aggregate<In, Acc>, 'empty' | 'add' | 'write' | 'read'>
  readonly isFull: (acc: Acc, count: number) => boolean
}

/**
 * Windows of a key in arrival order, one after the other: each is final when it is full, and the next event begins another.
 *
 * Time does not matter: nothing is late, and a watermark closes nothing. A window begins at the event time of its first
 * event and ends after the greatest one; several may begin at one time.
 */
export function createArrivalWindows<In, Acc>(options: ArrivalWindowsOptions<In, Acc>): EventWindows<In, Acc> {
  const { aggregate, isFull } = options
  const state = createKeyedState(fillingCodec(aggregate))
  let said: WindowEmission<Acc>[] = []
  const emission = (kind: 'update' | 'final', key: string, filling: Filling<Acc>): WindowEmission<Acc> => {
    const { start, end, acc, count } = filling
    return { kind, key, window: { start, end }, value: acc, revision: count }
  }
  return {
    add(key, eventTime, value) {
      const before = state.get(key)
      const filling: Filling<Acc> = {
        start: before?.start ?? eventTime,
        end: Math.max(before?.end ?? Number.NEGATIVE_INFINITY, eventTime + 1),
        count: (before?.count ?? 0) + 1,
        acc: aggregate.add(before === undefined ? aggregate.empty : before.acc, value, eventTime),
        isFresh: true,
      }
      if (isFull(filling.acc, filling.count)) {
        state.delete(key)
        said.push(emission('final', key, filling))
      } else state.set(key, filling)
      return []
    },
    advance: () => undefined,
    pulse() {
      const updates: WindowEmission<Acc>[] = []
      for (const [key, filling] of state.entries()) {
        if (!filling.isFresh) continue
        updates.push(emission('update', key, filling))
        state.set(key, { ...filling, isFresh: false })
      }
      return updates
    },
    drain() {
      const taken = said
      said = []
      return taken
    },
    write: (writer, full = true) => state.write(writer, full),
    read: state.read,
    get size() {
      return state.size
    },
  }
}

function fillingCodec<Acc>(codec: Codec<Acc>): Codec<Filling<Acc>> {
  return {
    write(writer, { start, end, count, acc, isFresh }) {
      writer.f64(start)
      writer.f64(end)
      writer.uint(count)
      writer.byte(isFresh ? 1 : 0)
      codec.write(writer, acc)
    },
    read: (reader) => ({
      start: reader.f64(),
      end: reader.f64(),
      count: reader.uint(),
      isFresh: reader.byte() === 1,
      acc: codec.read(reader),
    }),
  }
}
