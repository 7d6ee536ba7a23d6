import { invariant } from '../../schemas/errors.ts'
import {
  createWindowColumns,
  windowField as field,
  growWindowColumns,
  mergeWindow,
  resetWindow,
  type WindowColumns,
  windowNumber,
  windowStatus,
  windowWidth,
} from './window-columns.ts'

/** The windows of one interval that are alive: `places` of them for each symbol, found by number. */
export interface WindowRing {
  readonly sizeMs: number
  /** A power of two, enough for every window between expiry and the newest event. */
  readonly places: number
  readonly columns: WindowColumns
}

export interface RingOptions {
  readonly baseMs: number
  /** Ascending multiples of `baseMs`. */
  readonly rollUpMs: readonly number[]
  readonly allowedLatenessMs: number
  readonly outOfOrdernessMs: number
}

function placesOf(sizeMs: number, aliveMs: number): number {
  let places = 1
  while (places < Math.floor(aliveMs / sizeMs) + 2) places *= 2
  return places
}

/** The base ring, then one for each roll-up: in these a window holds only base windows that have expired. */
export function createWindowRings(options: RingOptions): readonly WindowRing[] {
  const { baseMs, rollUpMs, allowedLatenessMs, outOfOrdernessMs } = options
  invariant(
    Number.isSafeInteger(baseMs) && baseMs > 0,
    () => `a base window is a whole number of ms > 0, was ${baseMs}`,
  )
  for (const sizeMs of rollUpMs)
    invariant(
      sizeMs > baseMs && sizeMs % baseMs === 0,
      () => `a roll-up is a multiple of the base window ${baseMs}, was ${sizeMs}`,
    )
  return [baseMs, ...rollUpMs].map((sizeMs) => ({
    sizeMs,
    places: placesOf(sizeMs, allowedLatenessMs + outOfOrdernessMs + 1),
    columns: createWindowColumns(0),
  }))
}

/** Makes room for `symbols` symbols in every ring. */
export function growRings(rings: readonly WindowRing[], symbols: number): void {
  for (const ring of rings) growWindowColumns(ring.columns, symbols * ring.places)
}

/** Where window `number` of a symbol stands in a ring. */
export function placeOf(ring: WindowRing, symbol: number, number: number): number {
  return symbol * ring.places + (number & (ring.places - 1))
}

/**
 * Composes a roll-up from its expired base windows and those still alive; the result is in place 0 of the scratch.
 *
 * @param isMissingTrades Whether a base window is known not to hold all of its trades.
 */
export function createComposer(
  rings: readonly WindowRing[],
  isMissingTrades: (columns: WindowColumns, at: number) => boolean,
): (ring: WindowRing, symbol: number, at: number) => WindowColumns {
  const scratch = createWindowColumns(1)
  const base = rings[0]
  invariant(base !== undefined, 'there is a base ring')
  return (ring, symbol, at) => {
    const number = windowNumber(ring.columns, at)
    resetWindow(scratch, 0, number, ring.columns.status[at] as number)
    scratch.closedBy[0] = ring.columns.closedBy[at] as number
    scratch.extra[0] = ring.columns.extra[at] as number
    mergeWindow(scratch, 0, ring.columns, at)
    const each = ring.sizeMs / base.sizeMs
    for (let k = symbol * base.places, end = k + base.places; k < end; k++) {
      const status = base.columns.status[k] as number
      if ((status & windowStatus.live) === 0) continue
      if (Math.floor(windowNumber(base.columns, k) / each) !== number) continue
      mergeWindow(scratch, 0, base.columns, k)
      if ((status & (windowStatus.blind | windowStatus.partial)) !== 0 || isMissingTrades(base.columns, k))
        scratch.status[0] = (scratch.status[0] as number) | windowStatus.partial
    }
    // One that history emptied stays at its last price.
    if (scratch.values[field.trades] === 0)
      for (let i = field.open; i <= field.close; i++)
        scratch.values[i] = ring.columns.values[at * windowWidth + i] as number
    return scratch
  }
}
