import type { Candle } from '../schemas/candle.ts'

/** A field in which a stored row is not what the log gives; `row` where one of the two is not there at all. */
export interface FieldDifference {
  readonly field: string
  /** Empty where there is no row. */
  readonly stored: string
  readonly computed: string
}

const exactFields = [
  'open',
  'high',
  'low',
  'close',
  'trades',
  'firstTradeId',
  'lastTradeId',
  'revision',
  'closedBy',
  'fill',
  'partial',
] as const satisfies readonly (keyof Candle)[]

const sums = [
  ['volume', 'volumeLow'],
  ['quoteVolume', 'quoteVolumeLow'],
  ['buyVolume', 'buyVolumeLow'],
] as const

/** The low words of a roll-up's sums depend on which base candles were merged first, in bits that nobody prints. */
const lowWordTolerance = 2 ** -96

const rowText = ({ open, high, low, close, volume, trades }: Candle): string =>
  `o ${open} h ${high} l ${low} c ${close} v ${volume} n ${trades}`

/** What of a candle differs, field by field; `seq` is no property of its ticks and is left out. */
export function candleDifferences(stored: Candle | undefined, computed: Candle | undefined): FieldDifference[] {
  if (stored === undefined && computed === undefined) return []
  if (stored === undefined || computed === undefined)
    return [
      {
        field: 'row',
        stored: stored === undefined ? '' : rowText(stored),
        computed: computed === undefined ? '' : rowText(computed),
      },
    ]
  const found: FieldDifference[] = []
  const differ = (field: string, one: string, other: string): void => {
    found.push({ field, stored: one, computed: other })
  }
  for (const field of exactFields)
    if (stored[field] !== computed[field]) differ(field, String(stored[field]), String(computed[field]))
  for (const [high, low] of sums) {
    const tolerance = Math.abs(stored[high]) * lowWordTolerance
    if (stored[high] !== computed[high]) differ(high, String(stored[high]), String(computed[high]))
    else if (Math.abs(stored[low] - computed[low]) > tolerance) differ(low, String(stored[low]), String(computed[low]))
  }
  return found
}
