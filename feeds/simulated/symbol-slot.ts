import type { Side } from '../../schemas/tick.ts'
import type { Instrument } from './instruments.ts'
import { slotRandom } from './slot-random.ts'

/** Simulated time that is made at once. */
export const slotMs = 100

/** What a symbol carries from slot to slot. */
export interface SymbolState {
  nextId: number
  /** Unrounded, between bid and ask. */
  mid: number
  /** 1 in calm times. */
  volatility: number
}

export interface SlotTrade {
  readonly symbol: string
  /** When it happened: trades stand in this order, and ids count it. */
  readonly happenedAt: number
  /** What the venue says: now and then a little earlier. */
  readonly eventTime: number
  readonly price: number
  readonly size: number
  readonly side: Side
  readonly tradeId: number
  /** It is delivered twice. */
  readonly twice: boolean
}

interface SymbolSlotOptions {
  readonly seed: number
  readonly duplicates: number
  readonly outOfOrdernessMs: number
  readonly tradesMax: number
}

// Volatility comes in shocks that fade: half of one is gone in 35 s.
const fading = 0.002
const shockChance = 0.0002
const volatilityNoise = 0.006
const volatilityMin = 0.3
const volatilityMax = 8
const volatilityMean = 1.25
// Bursts: spans of 5 s, one in 33 six times as lively; the calm factor keeps the mean rate.
const burstSlots = 50
const burstChance = 0.03
const burstFactor = 6
const calmFactor = (1 - burstChance * burstFactor) / (1 - burstChance)
const meanReversion = 2e-4
const behindChance = 0.08
const sizeSpread = 1.1

function rounded(value: number, decimals: number): number {
  const unit = 10 ** decimals
  return Math.max(1, Math.round(value * unit)) / unit
}

function stepVolatility(volatility: number, uniform: number, size: number, noise: number): number {
  const shock = uniform < shockChance ? 2 + 2 * size : 1
  const next = (volatility + fading * (1 - volatility)) * shock * (1 + volatilityNoise * noise)
  return Math.min(volatilityMax, Math.max(volatilityMin, next))
}

/**
 * Makes a symbol's trades of one slot, and moves its state on: a pure function of the state before and of
 * `(seed, slot)`. Trades stand in the order they happened; `eventTime` lies at most `outOfOrdernessMs` behind that
 * and never after the slot.
 */
export function tradeSlot(
  instrument: Instrument,
  state: SymbolState,
  slot: number,
  options: SymbolSlotOptions,
): readonly SlotTrade[] {
  const { seed, duplicates, outOfOrdernessMs, tradesMax } = options
  const random = slotRandom(seed, slot)
  state.volatility = stepVolatility(state.volatility, random.uniform(), random.uniform(), random.normal())
  const isBurst = slotRandom(~seed, Math.floor(slot / burstSlots)).uniform() < burstChance
  const liveliness = (isBurst ? burstFactor : calmFactor) * (state.volatility / volatilityMean)
  const count = Math.min(tradesMax, random.count((instrument.rate * slotMs * liveliness) / 1_000))
  const times = Array.from({ length: count }, () => slot * slotMs + Math.floor(random.uniform() * slotMs))
  times.sort((a, b) => a - b)
  return times.map((happenedAt) => {
    const pull = meanReversion * Math.log(instrument.basePrice / state.mid)
    state.mid *= Math.exp(instrument.step * state.volatility * random.normal() + pull)
    const side: Side = random.uniform() < 0.5 ? 'buy' : 'sell'
    const halfSpread = 0.5 * 10 ** -instrument.priceDecimals * (side === 'buy' ? 1 : -1)
    const behindMs = random.uniform() < behindChance ? Math.floor(random.uniform() * (outOfOrdernessMs + 1)) : 0
    return {
      symbol: instrument.symbol,
      happenedAt,
      eventTime: happenedAt - behindMs,
      price: rounded(state.mid + halfSpread, instrument.priceDecimals),
      size: rounded(instrument.typicalSize * Math.exp(sizeSpread * random.normal()), instrument.sizeDecimals),
      side,
      tradeId: state.nextId++,
      twice: random.uniform() < duplicates,
    }
  })
}
