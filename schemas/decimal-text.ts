import { divideDoubleDouble } from './double-double.ts'

/** Plain decimal text of a finite number: shortest that reads back as the same float64, no exponent, no trailing zeros. */
export function decimalText(value: number): string {
  const text = String(value)
  const at = text.indexOf('e')
  if (at < 0) return text === '-0' ? '0' : text
  const exponent = Number(text.slice(at + 1))
  const negative = text.startsWith('-')
  const [whole = '', fraction = ''] = text.slice(negative ? 1 : 0, at).split('.')
  const digits = whole + fraction
  const point = whole.length + exponent
  const plain =
    point <= 0
      ? `0.${'0'.repeat(-point)}${digits}`
      : point >= digits.length
        ? digits + '0'.repeat(point - digits.length)
        : `${digits.slice(0, point)}.${digits.slice(point)}`
  return negative ? `-${plain}` : plain
}

interface Sums {
  readonly volume: number
  readonly volumeLow: number
  readonly quoteVolume: number
  readonly quoteVolumeLow: number
}

/** Volume-weighted average price, from both words of both sums; undefined where the volume is 0. */
export function vwapOf(sums: Sums): number | undefined {
  if (sums.volume === 0) return undefined
  return divideDoubleDouble(sums.quoteVolume, sums.quoteVolumeLow, sums.volume, sums.volumeLow)
}

/** Text of the volume-weighted average price; empty where the volume is 0. */
export function vwapText(sums: Sums): string {
  const vwap = vwapOf(sums)
  return vwap === undefined ? '' : decimalText(vwap)
}
