import { jsonCodec } from '../processors/core/codec.ts'
import { aggregate } from '../processors/operators/aggregate.ts'
import { keyBy } from '../processors/operators/key-by.ts'
import { sideOutput, sideTag } from '../processors/operators/side-output.ts'
import { tumblingWindows } from '../processors/operators/windows.ts'
import { fromSide, toCallback, toTable, toTopic } from '../topology/records/sinks.ts'
import { topic } from '../topology/sources.ts'
import { topology } from '../topology/topology.ts'

export const orderAvro = {
  type: 'record',
  name: 'Order',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'customer', type: 'string' },
    { name: 'at', type: 'long' },
    { name: 'amount', type: 'double' },
  ],
} as const

export const totalAvro = {
  type: 'record',
  name: 'Total',
  fields: [
    { name: 'customer', type: 'string' },
    { name: 'amount', type: 'double' },
  ],
} as const

export const sum = {
  ...jsonCodec<number>(),
  empty: 0,
  add: (total: number, { amount }: { readonly amount: number }) => total + amount,
  merge: (a: number, b: number) => a + b,
}
export const watermark = { outOfOrderness: 0, idleAfter: '2s', futureBound: '1d' } as const
export const late = sideTag<{ readonly id: string; readonly amount: number }>('late')
export const large = sideTag<{ readonly id: string; readonly amount: number }>('large')

export const orders = topology('orders', {
  source: topic('shop.orders', { schema: orderAvro, key: 'id', eventTime: 'at' }),
  watermark,
})
export const order = (id: string, at: number, amount: number, customer = 'ann') => ({ id, customer, at, amount })

/** Sums of customers by 10 s, in a table, a topic and a callback. */
export const totals = orders
  .pipe(
    keyBy('by-customer', { key: ({ customer }) => customer }),
    sideOutput(large, ({ amount }) => amount >= 1000),
    aggregate('sums', { window: tumblingWindows('10s'), allowedLateness: '5s', late, aggregate: sum }),
  )
  .to(
    toTable('totals', {
      columns: { customer: 'text', start: 'timestamptz', amount: 'float8' },
      key: ['customer', 'start'],
      row: ({ start, value }, { key }) => ({ customer: key, start, amount: value }),
    }),
    toTopic('shop.totals', { schema: totalAvro, value: ({ value }, { key }) => ({ customer: key, amount: value }) }),
    toCallback('tell', () => undefined),
    ...fromSide(
      late,
      toCallback('came-late', () => undefined),
    ),
    ...fromSide(
      large,
      toCallback('was-large', () => undefined),
    ),
  )
