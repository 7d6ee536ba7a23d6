import { expect, it } from 'vitest'
import type { RecordOf } from './avro-type.ts'
import type { emissionAvro } from './candle.ts'
import { type Tick, tickAvro } from './tick.ts'

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** Compiles only for types that are the same. */
function same<A, B>(isSame: Equal<A, B>): void {
  expect(isSame).toBe(true)
}

const order = {
  type: 'record',
  name: 'Order',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'isOpen', type: 'boolean' },
    { name: 'count', type: 'int' },
    { name: 'weight', type: 'float' },
    { name: 'price', type: { type: 'double' } },
    { name: 'note', type: ['null', 'string'], default: null },
    { name: 'raw', type: 'bytes' },
    { name: 'hash', type: { type: 'fixed', name: 'Hash', size: 16 } },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'until', type: ['null', { type: 'long', logicalType: 'timestamp-millis' }] },
    { name: 'side', type: { type: 'enum', name: 'Side', symbols: ['buy', 'sell'] } },
    { name: 'opposite', type: 'Side' },
    { name: 'tags', type: { type: 'array', items: 'string' } },
    { name: 'fees', type: { type: 'map', values: 'double' } },
    {
      name: 'legs',
      type: {
        type: 'array',
        items: { type: 'record', name: 'Leg', fields: [{ name: 'size', type: ['null', 'int', 'string'] }] },
      },
    },
    { name: 'first', type: ['null', 'Leg'] },
    { name: 'nothing', type: 'null' },
  ],
} as const

interface Order {
  readonly id: number
  readonly isOpen: boolean
  readonly count: number
  readonly weight: number
  readonly price: number
  readonly note: string | null
  readonly raw: Uint8Array
  readonly hash: Uint8Array
  readonly at: number
  readonly until: number | null
  readonly side: 'buy' | 'sell'
  readonly opposite: 'buy' | 'sell'
  readonly tags: readonly string[]
  readonly fees: { readonly [key: string]: number }
  readonly legs: readonly { readonly size: number | string | null }[]
  readonly first: { readonly size: number | string | null } | null
  readonly nothing: null
}

it('the record of the tick schema is a tick', () => {
  same<RecordOf<typeof tickAvro>, { [K in keyof Tick]: Tick[K] }>(true)
})

it('every kind of Avro type has its type', () => {
  same<RecordOf<typeof order>, { [K in keyof Order]: Order[K] }>(true)
})

it('enums and booleans of an emission keep their words', () => {
  same<RecordOf<typeof emissionAvro>['kind'], 'update' | 'final' | 'correction'>(true)
  same<RecordOf<typeof emissionAvro>['final'], boolean>(true)
})

it('a record may hold itself', () => {
  const node = {
    type: 'record',
    name: 'Node',
    fields: [
      { name: 'value', type: 'int' },
      { name: 'next', type: ['null', 'Node'] },
    ],
  } as const
  const list: RecordOf<typeof node> = { value: 1, next: { value: 2, next: null } }
  same<NonNullable<(typeof list)['next']>['value'], number>(true)
})

it('a field that is not there is an error of the compiler', () => {
  const tick: Pick<RecordOf<typeof tickAvro>, 'symbol'> = { symbol: 'BTC-USD' }
  // @ts-expect-error: ticks have no volume
  expect(tick.volume).toBeUndefined()
  expect(tickAvro.fields.map(({ name }) => name)).not.toContain('volume')
})

it('what is no schema has no values', () => {
  same<RecordOf<'strin'>, never>(true)
  same<RecordOf<{ readonly kind: 'record' }>, never>(true)
})
