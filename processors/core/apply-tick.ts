import type { TickColumns } from '../../schemas/columns.ts'
import { twoProductError, twoSumError } from '../../schemas/double-double.ts'
import { side } from '../../schemas/tick.ts'
import { windowField as field } from './window-columns.ts'

// A function of its own at the top level: there the compiler folds the places of the fields into the code. Inside the
// closure that calls it each would be two loads (measured: 100 ns a tick in the window step there, see docs/benchmarks.md).

/** Whether (sequence, id) comes before those at `at` and `at + 1`. */
function isBeforeAt(order: number, id: number, values: Float64Array, at: number): boolean {
  const other = values[at] as number
  return order !== other ? order < other : id < (values[at + 1] as number)
}

/**
 * Puts row `i` into the window whose numbers begin at `at`: the result does not depend on the order of the ticks.
 * It takes the columns, not the tick's numbers: a call that is not inlined would make an object of each of them.
 */
export function applyTick(values: Float64Array, at: number, columns: TickColumns, i: number): void {
  const time = columns.eventTime[i] as number
  const order = columns.sequence[i] as number
  const id = columns.tradeId[i] as number
  const price = columns.price[i] as number
  const size = columns.size[i] as number
  const trades = values[at + field.trades] as number
  values[at + field.trades] = trades + 1
  if (trades === 0) {
    values[at + field.open] = price
    values[at + field.high] = price
    values[at + field.low] = price
    values[at + field.close] = price
    values[at + field.openTime] = time
    values[at + field.openSequence] = order
    values[at + field.openId] = id
    values[at + field.closeTime] = time
    values[at + field.closeSequence] = order
    values[at + field.closeId] = id
  } else {
    if (price > (values[at + field.high] as number)) values[at + field.high] = price
    if (price < (values[at + field.low] as number)) values[at + field.low] = price
    const closeTime = values[at + field.closeTime] as number
    if (time > closeTime || (time === closeTime && !isBeforeAt(order, id, values, at + field.closeSequence))) {
      values[at + field.close] = price
      values[at + field.closeTime] = time
      values[at + field.closeSequence] = order
      values[at + field.closeId] = id
    }
    const openTime = values[at + field.openTime] as number
    if (time < openTime || (time === openTime && isBeforeAt(order, id, values, at + field.openSequence))) {
      values[at + field.open] = price
      values[at + field.openTime] = time
      values[at + field.openSequence] = order
      values[at + field.openId] = id
    }
  }
  const volume = values[at + field.volume] as number
  const volumeSum = volume + size
  values[at + field.volume] = volumeSum
  values[at + field.volumeLow] = (values[at + field.volumeLow] as number) + twoSumError(volume, size, volumeSum)
  const product = price * size
  const quote = values[at + field.quoteVolume] as number
  const quoteSum = quote + product
  values[at + field.quoteVolume] = quoteSum
  values[at + field.quoteVolumeLow] =
    (values[at + field.quoteVolumeLow] as number) +
    twoSumError(quote, product, quoteSum) +
    twoProductError(price, size, product)
  if (columns.side[i] === side.buy) {
    const buy = values[at + field.buyVolume] as number
    const buySum = buy + size
    values[at + field.buyVolume] = buySum
    values[at + field.buyVolumeLow] = (values[at + field.buyVolumeLow] as number) + twoSumError(buy, size, buySum)
  }
}
